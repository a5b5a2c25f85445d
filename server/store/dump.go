package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// A dump is
//
//	"pemba dump" format revision floor
//	for each version of each key: flags [shared length, rest length, rest] revision-version [mark] [length, value]
//	0 count of versions, SHA-256 of everything before
//
// Numbers are uvarints. shared is how many bytes the key has in common with the
// key before it. Keys ascend, the versions of one key descend.
const (
	dumpMagic  = "pemba dump"
	dumpFormat = 1

	versionThere   byte = 1 << 0 // always; 0 ends the dump
	versionSameKey byte = 1 << 1 // as the version before
	versionRemoves byte = 1 << 2 // and has no value
	versionMarked  byte = 1 << 3

	maxKey   = 65_000 // Badger's
	maxValue = valueThreshold - 1

	dumpBuffer = 256 << 10
)

// dumped are the tables that dumps hold. The small state goes beside them.
const dumped = string(tableChanges) + string(tableDocuments) + string(tableForward) + string(tableReverse) + string(tableSchemas)

// Dump writes what readers of revisions from the floor to rev need: every
// version of relationships, documents, schemas and records of changes. rev is a
// head that State has told; the state goes beside the dump. The floor of the
// dump is the one of rev, or the oldest revision that is still kept if that is
// newer. Transactions and the floor move on meanwhile.
//
// It returns a *FutureRevisionError above the head, an *ExpiredRevisionError when
// rev is no longer kept, ErrClosed, a *StorageError, or the error of ctx or w.
func (s *Store) Dump(ctx context.Context, rev Revision, w io.Writer) error {
	sn, err := s.pinned(rev)
	if err != nil {
		return err
	}
	defer sn.Close()
	floor, err := sn.view.floor()
	if err != nil {
		return err
	}
	d := newDumpWriter(w)
	n := 0
	return d.finish(sn.view.versions(func() Revision {
		floor = max(floor, sn.db.origin.floor, sn.db.readers.forgotten())
		d.header(rev, floor)
		return floor
	}, func(v *version) error {
		if n++; n%contextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if v.key[0] == tableStates {
			return nil
		}
		return d.version(v)
	}))
}

// pinned returns a snapshot of a revision that the backend still has, also when
// readers are refused it.
func (s *Store) pinned(rev Revision) (*Snapshot, error) {
	for {
		d := s.db()
		err := d.readers.pin(rev, d.newest)
		if err == nil {
			s.opened.Add(1)
			return &Snapshot{db: d, rev: rev, view: d.backend.view(rev)}, nil
		}
		if s.db() == d { // else it was replaced meanwhile
			return nil, err
		}
	}
}

// dumpWriter encodes a dump. The first error stays in out.
type dumpWriter struct {
	out   *bufio.Writer
	w     io.Writer
	sum   hash.Hash
	rev   Revision
	key   []byte // the last one
	count uint64
	buf   []byte
}

func newDumpWriter(w io.Writer) *dumpWriter {
	sum := sha256.New()
	return &dumpWriter{out: bufio.NewWriterSize(io.MultiWriter(w, sum), dumpBuffer), w: w, sum: sum}
}

func (d *dumpWriter) header(rev, floor Revision) {
	d.rev = rev
	d.buf = append(d.buf[:0], dumpMagic...)
	d.buf = append(d.buf, dumpFormat)
	d.buf = binary.AppendUvarint(binary.AppendUvarint(d.buf, uint64(rev)), uint64(floor))
	_, _ = d.out.Write(d.buf) // the error comes again
}

func (d *dumpWriter) version(v *version) error {
	flags := versionThere
	same := d.count > 0 && string(v.key) == string(d.key)
	if same {
		flags |= versionSameKey
	}
	if v.remove {
		flags |= versionRemoves
	}
	if v.mark != 0 {
		flags |= versionMarked
	}
	buf := append(d.buf[:0], flags)
	if !same {
		n := sharedLength(d.key, v.key)
		buf = appendBytes(binary.AppendUvarint(buf, uint64(n)), v.key[n:])
		d.key = append(d.key[:n], v.key[n:]...)
	}
	buf = binary.AppendUvarint(buf, uint64(d.rev-v.rev))
	if v.mark != 0 {
		buf = append(buf, v.mark)
	}
	if !v.remove {
		buf = appendBytes(buf, v.value)
	}
	d.buf, d.count = buf, d.count+1
	_, err := d.out.Write(buf)
	return err
}

// finish ends the dump, unless there was an error.
func (d *dumpWriter) finish(err error) error {
	if err != nil {
		return err
	}
	_, _ = d.out.Write(binary.AppendUvarint([]byte{0}, d.count)) // the error comes again
	if err := d.out.Flush(); err != nil {
		return err
	}
	_, err = d.w.Write(d.sum.Sum(nil))
	return err
}

func sharedLength(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// dumpReader decodes a dump and refuses what is not one.
type dumpReader struct {
	in         *bufio.Reader
	sum        hash.Hash
	rev, floor Revision
	last       version
	count      uint64
	read       int64 // bytes
}

// DumpError says what is wrong with a dump.
type DumpError struct{ Msg string }

func (e *DumpError) Error() string {
	return "the dump " + e.Msg + "; have it sent or made again"
}

func newDumpReader(r io.Reader) (*dumpReader, error) {
	d := &dumpReader{in: bufio.NewReaderSize(r, dumpBuffer), sum: sha256.New()}
	head, err := d.take(make([]byte, len(dumpMagic)+1))
	if err != nil {
		return nil, err
	}
	if string(head[:len(dumpMagic)]) != dumpMagic {
		return nil, &DumpError{"does not begin as a dump does"}
	}
	if f := head[len(dumpMagic)]; f != dumpFormat {
		return nil, &DumpError{fmt.Sprintf("has format %d, and this version reads %d", f, dumpFormat)}
	}
	rev, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	floor, err := d.uvarint()
	if err == nil && floor > rev {
		err = &DumpError{fmt.Sprintf("of revision %d has floor %d", rev, floor)}
	}
	d.rev, d.floor = Revision(rev), Revision(floor)
	return d, err
}

// next returns the next version, nil after the last when the checksum is right.
// It is valid until the next call.
func (d *dumpReader) next() (*version, error) {
	flags, err := d.ReadByte()
	switch {
	case err != nil:
		return nil, err
	case flags == 0:
		return nil, d.end()
	case flags&versionThere == 0 || flags > versionThere|versionSameKey|versionRemoves|versionMarked:
		return nil, &DumpError{fmt.Sprintf("is damaged: flags %#x", flags)}
	}
	v := &d.last
	same := flags&versionSameKey != 0
	older := v.rev
	if !same {
		if err := d.readKey(); err != nil {
			return nil, err
		}
	}
	age, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	if age >= uint64(d.rev) || same && (d.count == 0 || d.rev-Revision(age) >= older) {
		return nil, &DumpError{"is damaged: its versions are not in order"}
	}
	v.rev, v.remove, v.mark, v.value = d.rev-Revision(age), flags&versionRemoves != 0, 0, v.value[:0]
	if flags&versionMarked != 0 {
		if v.mark, err = d.ReadByte(); err != nil {
			return nil, err
		}
	}
	if !v.remove {
		v.value, err = d.bytes(v.value, maxValue)
	}
	d.count++
	return v, err
}

// readKey reads a key, which must follow the last.
func (d *dumpReader) readKey() error {
	shared, err := d.uvarint()
	if err != nil {
		return err
	}
	key := d.last.key
	if shared > uint64(len(key)) {
		return &DumpError{"is damaged: a key shares more than there is"}
	}
	before := append([]byte(nil), key[shared:]...)
	if d.last.key, err = d.bytes(key[:shared], maxKey); err != nil {
		return err
	}
	if rest := d.last.key[shared:]; string(rest) <= string(before) {
		return &DumpError{"is damaged: its keys are not in order"}
	}
	return nil
}

func (d *dumpReader) end() error {
	count, err := d.uvarint()
	if err != nil {
		return err
	}
	want := d.sum.Sum(nil)
	got, err := d.take(make([]byte, len(want)))
	if err != nil {
		return err
	}
	if count != d.count || string(got) != string(want) {
		return &DumpError{"is damaged: its checksum is wrong"}
	}
	return nil
}

// ReadByte implements io.ByteReader.
func (d *dumpReader) ReadByte() (byte, error) {
	b, err := d.in.ReadByte()
	if err != nil {
		return 0, cut(err)
	}
	d.read++
	_, _ = d.sum.Write([]byte{b}) // never fails
	return b, nil
}

func (d *dumpReader) uvarint() (uint64, error) { return binary.ReadUvarint(d) }

func (d *dumpReader) take(buf []byte) ([]byte, error) {
	n, err := io.ReadFull(d.in, buf)
	d.read += int64(n)
	_, _ = d.sum.Write(buf[:n]) // never fails
	return buf, cut(err)
}

// bytes appends what its length stands before.
func (d *dumpReader) bytes(buf []byte, most int) ([]byte, error) {
	n, err := d.uvarint()
	if err != nil {
		return buf, err
	}
	if n > uint64(most-min(most, len(buf))) {
		return buf, &DumpError{fmt.Sprintf("is damaged: %d bytes in one part", n)}
	}
	from := len(buf)
	buf = append(buf, make([]byte, n)...)
	_, err = d.take(buf[from:])
	return buf, err
}

// cut says that a dump ended early.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &DumpError{"is cut short"}
	}
	return err
}
