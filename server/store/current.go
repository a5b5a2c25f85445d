package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The file CURRENT says which database counts. It is replaced in one step, and
// that is when Load has happened. A directory without it has one database, the
// first; whatever else is called a database is a leftover.
const (
	currentFile    = "CURRENT"
	currentFormat  = "%s revision %d floor %d\n"
	databasePrefix = databaseDir + "-"
)

// readCurrent returns the origin of the database that counts.
func readCurrent(path string) (origin, error) {
	text, err := os.ReadFile(filepath.Join(path, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return origin{name: databaseDir}, nil
	}
	if err != nil {
		return origin{}, describe(path, err)
	}
	var o origin
	if _, err := fmt.Sscanf(string(text), currentFormat, &o.name, &o.base, &o.floor); err != nil || databaseNumber(o.name) == 0 {
		return origin{}, &CorruptError{Dir: path, Msg: fmt.Sprintf("%s says %.80q", currentFile, text)}
	}
	return o, nil
}

// BaseOf returns the revision whose dump the database of a directory began with,
// 0 for none, as Base does, before the store is opened.
func BaseOf(dir string) (Revision, error) {
	o, err := readCurrent(dir)
	return o.base, err
}

// databaseNumber returns the number in the name of a loaded database, 0 for any
// other name.
func databaseNumber(name string) int {
	digits, ok := strings.CutPrefix(name, databasePrefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 {
		return 0
	}
	return n
}

// databases returns the names of all databases, leftovers too.
func (d *directory) databases() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, describe(d.path, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && (e.Name() == databaseDir || databaseNumber(e.Name()) > 0) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// newName returns a name that no database has yet.
func (d *directory) newName() (string, error) {
	names, err := d.databases()
	last := 0
	for _, name := range names {
		last = max(last, databaseNumber(name))
	}
	return fmt.Sprintf("%s%d", databasePrefix, last+1), err
}

// switchTo makes a database that is durable the one that counts.
func (d *directory) switchTo(o origin) error {
	d.noting.Lock()
	defer d.noting.Unlock()
	if err := syncFile(d.path); err != nil { // which has the name of the database
		return describe(d.path, err)
	}
	if err := writeFile(filepath.Join(d.path, currentFile), fmt.Sprintf(currentFormat, o.name, o.base, o.floor)); err != nil {
		return describe(d.path, err)
	}
	d.origin = o
	return nil
}

// dropOthers removes the leftovers. A program that knows nothing of CURRENT must
// not take the directory for an empty one then: it does not understand a
// checkpoint that names a database.
func (d *directory) dropOthers() error {
	names, err := d.databases()
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == d.origin.name {
			continue
		}
		rev, err := d.durable()
		if err == nil {
			err = d.checkpoint(d.origin, rev)
		}
		if err == nil {
			err = os.RemoveAll(filepath.Join(d.path, name))
		}
		if err != nil {
			return describe(d.path, err)
		}
	}
	return nil
}
