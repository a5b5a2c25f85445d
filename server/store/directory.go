package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// What stands in a data directory beside Badger's own directory.
// checkpoint.go adds two more, current.go another.
const (
	formatFile   = "FORMAT"
	lockFile     = "LOCK"
	databaseDir  = "db"
	formatPrefix = "pemba store "
	formatNumber = 1 // of a store that keeps its small state itself
	formatLogged = 2 // of one that belongs to a log
)

// directory is a data directory that this process has locked.
type directory struct {
	path   string
	format int
	lock   *os.File

	noting sync.Mutex // held while CURRENT or CHECKPOINT is replaced
	origin origin     // of the database that counts
}

// openDirectory makes the directory when it does not exist, locks it, and
// checks that it holds a store of this format, or nothing yet.
func openDirectory(path string, format int) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, describe(path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, describe(path, err)
	}
	d := &directory{path: path, format: format, lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = describe(path, err)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &DirectoryInUseError{Dir: path}
		}
		return nil, errors.Join(err, d.close())
	}
	if d.origin, err = readCurrent(path); err == nil {
		err = d.checkFormat()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// describe says what to do about an error of the file system.
func describe(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("data directory %s: %w; give this user the right to write to it", path, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("data directory %s: %w; name a directory, not a file", path, err)
	}
	return fmt.Errorf("data directory %s: %w", path, err)
}

// database returns where Badger keeps the files of a database.
func (d *directory) database(o origin) string { return filepath.Join(d.path, o.name) }

// close lets go of the lock.
func (d *directory) close() error { return d.lock.Close() }

func (d *directory) checkFormat() error {
	text, err := os.ReadFile(filepath.Join(d.path, formatFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.begin()
	case err != nil:
		return describe(d.path, err)
	}
	var number int
	if _, err := fmt.Sscanf(string(text), formatPrefix+"%d\n", &number); err != nil {
		return &FormatError{Dir: d.path, Msg: fmt.Sprintf("has a %s file that this is not: %.80q", formatFile, text)}
	}
	switch {
	case number > d.format:
		return &FormatError{Dir: d.path, Msg: fmt.Sprintf("has format %d, of a newer version of pemba; this one reads format %d: use the newer one", number, d.format)}
	case number < d.format:
		return &FormatError{Dir: d.path, Msg: fmt.Sprintf("has format %d, of an older version of pemba; this one reads format %d: carry it over with `pemba debug export-old DIR FILE` and `pemba backup restore FILE --data-dir NEW`", number, d.format)}
	}
	if _, err := os.Stat(filepath.Join(d.database(d.origin), badgerManifest)); errors.Is(err, fs.ErrNotExist) && !d.fresh() {
		return &CorruptError{Dir: d.path, Msg: "the database has no " + badgerManifest}
	}
	return nil
}

// fresh reports whether the database directory is missing or empty, as after a
// crash while it was made. One that was loaded was whole before it was named.
func (d *directory) fresh() bool {
	if d.origin.name != databaseDir {
		return false
	}
	names, err := os.ReadDir(d.database(d.origin))
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0
}

// begin marks an empty directory as a store.
func (d *directory) begin() error {
	names, err := os.ReadDir(d.path)
	if err != nil {
		return describe(d.path, err)
	}
	for _, n := range names {
		if n.Name() != lockFile && n.Name() != "lost+found" && !strings.HasPrefix(n.Name(), formatFile) {
			return &FormatError{Dir: d.path, Msg: fmt.Sprintf("is not empty and holds no store (it has %s); name an empty or new directory", n.Name())}
		}
	}
	if err := writeFile(filepath.Join(d.path, formatFile), fmt.Sprintf("%s%d\n", formatPrefix, d.format)); err != nil {
		return describe(d.path, err)
	}
	return nil
}

// writeFile writes a small file so that it is there whole or not at all.
func writeFile(name, text string) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncFile(filepath.Dir(name))
}
