package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/pemba-authz/pemba/server/store"
)

// What a restore has in a data directory while it runs. The new data is made
// inside the directory, as that may be where a disk is mounted.
const (
	restoringDir = "restoring"
	replacedDir  = "replaced"
	restoredFile = "restored" // in restoring: it is whole

	storeLock   = "LOCK"   // that a store holds while it is open
	storeFormat = "FORMAT" // without it a directory with anything in it is no store
	storeLog    = "raft"
)

// swap puts new data in the place of that of a directory. At any moment the
// directory either holds one of the two, whole, or has no FORMAT, so that nobody
// opens it: the old FORMAT leaves first and the new one comes last.
type swap struct {
	dir, next, old string
	lock           *os.File
	held           bool // there is data
	resumed        bool // what an interrupted swap had begun was completed

	before func() error // a test's, before each step
}

// openSwap locks a directory, which is made if need be, against stores, and
// clears what an interrupted restore has left.
func openSwap(dir string) (*swap, error) {
	s := &swap{dir: dir, next: filepath.Join(dir, restoringDir), old: filepath.Join(dir, replacedDir)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if s.lock, err = os.OpenFile(filepath.Join(dir, storeLock), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		err = &store.DirectoryInUseError{Dir: dir}
	}
	if err == nil {
		err = s.resume()
	}
	if err == nil {
		s.held, err = isStore(dir)
	}
	if err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// close lets go of the lock. A directory in which nothing was made goes.
func (s *swap) close() error {
	err := s.lock.Close()
	if entries, listed := os.ReadDir(s.dir); listed == nil && len(entries) == 1 && entries[0].Name() == storeLock {
		err = errors.Join(err, os.Remove(filepath.Join(s.dir, storeLock)))
		_ = os.Remove(s.dir) // it may be where a disk is mounted
	}
	return err
}

// resume completes a swap that was begun, and discards what was not whole.
func (s *swap) resume() error {
	whole, err := exists(filepath.Join(s.next, restoredFile))
	if err != nil {
		return err
	}
	begun, err := exists(s.old)
	if err != nil {
		return err
	}
	if !whole || !begun {
		return s.discard()
	}
	s.resumed = true
	return s.exchange()
}

// discard removes what a restore has made.
func (s *swap) discard() error { return errors.Join(os.RemoveAll(s.next), os.RemoveAll(s.old)) }

// swap puts the new data, which is closed, in the place of the old.
func (s *swap) swap() error {
	if err := os.WriteFile(filepath.Join(s.next, restoredFile), nil, 0o600); err != nil {
		return err
	}
	if err := errors.Join(syncDir(s.next), os.Mkdir(s.old, 0o700)); err != nil {
		return err
	}
	return s.exchange()
}

// exchange moves the old data out and the new data in. It goes on where it was
// interrupted: the log of the new data is the first to come in, so that as long
// as it has not, what else is there is old.
func (s *swap) exchange() error {
	outside, err := exists(filepath.Join(s.next, storeLog))
	if err != nil {
		return err
	}
	if outside {
		err := s.move(s.dir, s.old, storeFormat)
		if err == nil {
			err = s.moveAll(s.dir, s.old)
		}
		if err == nil {
			err = s.move(s.next, s.dir, storeLog)
		}
		if err != nil {
			return err
		}
	}
	if err := s.moveAll(s.next, s.dir, storeFormat); err != nil {
		return err
	}
	if err := s.move(s.next, s.dir, storeFormat); err != nil {
		return err
	}
	return s.discard()
}

// spared reports whether an entry of a data directory is no data.
func spared(name string) bool {
	return slices.Contains([]string{storeLock, "lost+found", restoringDir, replacedDir, restoredFile}, name)
}

// moveAll moves the data of a directory into another, but for some entries.
func (s *swap) moveAll(from, to string, but ...string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if spared(e.Name()) || slices.Contains(but, e.Name()) {
			continue
		}
		if err := s.move(from, to, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// move moves one entry, if it is there, durably.
func (s *swap) move(from, to, name string) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDir(to), syncDir(from))
}

func exists(name string) (bool, error) {
	_, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
