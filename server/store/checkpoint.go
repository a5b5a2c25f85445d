package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What Badger cannot tell by itself: that its list of tables lost its end. It
// would take the tables that are no longer listed for leftovers and delete
// them. So the directory says which revision was certainly durable, and the
// tables are held by a second name until a store that is opened has it.
const (
	checkpointFile   = "CHECKPOINT"
	checkpointFormat = "revision %d of %s\n" // the first database is not named
	asideDir         = "aside"
	tablePattern     = "*.sst"
)

// checkpoint notes that a revision of a database is durable, as long as it is
// the one that counts.
func (d *directory) checkpoint(o origin, rev Revision) error {
	d.noting.Lock()
	defer d.noting.Unlock()
	if o.name != d.origin.name {
		return nil
	}
	text := fmt.Sprintf(checkpointFormat, rev, o.name)
	if o.name == databaseDir {
		text = strings.TrimSuffix(text, " of "+o.name+"\n") + "\n"
	}
	return writeFile(filepath.Join(d.path, checkpointFile), text)
}

// durable returns the revision of the database that was noted last, that of the
// dump it began with for none.
func (d *directory) durable() (Revision, error) {
	text, err := os.ReadFile(filepath.Join(d.path, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return d.origin.base, nil
	}
	if err != nil {
		return 0, describe(d.path, err)
	}
	rev, name := Revision(0), databaseDir
	if n, err := fmt.Sscanf(string(text), checkpointFormat, &rev, &name); err != nil && n != 1 {
		return 0, &CorruptError{Dir: d.path, Msg: fmt.Sprintf("%s says %.80q", checkpointFile, text)}
	}
	if name != d.origin.name { // it was replaced since
		return d.origin.base, nil
	}
	return max(rev, d.origin.base), nil
}

// setAside gives the tables a second name and copies the list of them. What an
// earlier opening that failed has set aside stays as it is. A file system that
// knows no second names does without.
func (d *directory) setAside() error {
	aside := filepath.Join(d.path, asideDir)
	if err := os.Mkdir(aside, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return describe(d.path, err)
	}
	manifest, err := os.ReadFile(filepath.Join(d.database(d.origin), badgerManifest))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return describe(d.path, err)
	}
	if err := os.WriteFile(filepath.Join(aside, badgerManifest), manifest, 0o600); err != nil {
		return describe(d.path, err)
	}
	tables, err := filepath.Glob(filepath.Join(d.database(d.origin), tablePattern))
	if err != nil {
		return err
	}
	for _, name := range tables {
		if err := os.Link(name, filepath.Join(aside, filepath.Base(name))); err != nil {
			return os.RemoveAll(aside)
		}
	}
	return nil
}

// dropAside removes the second names.
func (d *directory) dropAside() error {
	if err := os.RemoveAll(filepath.Join(d.path, asideDir)); err != nil {
		return describe(d.path, err)
	}
	return nil
}
