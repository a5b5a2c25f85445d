package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkTables looks at the ends of the tables, where they say how long their
// index is. Badger believes them, and a table that lost its end would end the
// process. Tables that are not listed were not finished when a process ended;
// what is missing, or a list that is damaged, Badger reports itself.
func (d *directory) checkTables() error {
	for _, name := range listedTables(d.database(d.origin)) {
		err := checkTable(filepath.Join(d.database(d.origin), name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &CorruptError{Dir: d.path, Msg: fmt.Sprintf("table %s is damaged", name), Err: err}
		}
	}
	return nil
}

// checkTable checks the end of one table: index, its length, checksum, its
// length.
func checkTable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		rest := info.Size()
		for range 2 {
			if err == nil {
				rest, err = skipBack(f, rest)
			}
		}
	}
	return errors.Join(err, f.Close())
}

// skipBack returns where the part that ends at a place with its length begins.
func skipBack(r io.ReaderAt, end int64) (int64, error) {
	var length [4]byte
	if end -= int64(len(length)); end < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if _, err := r.ReadAt(length[:], end); err != nil {
		return 0, err
	}
	if end -= int64(binary.BigEndian.Uint32(length[:])); end < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return end, nil
}
