package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"

	"github.com/pemba-authz/pemba/engine"
)

// Writer writes the lines of a backup.
type Writer struct {
	End  End          // what was written so far
	Each func() error // is called after each relationship and document; may be nil

	out *bufio.Writer // into the file and the checksum
	sum hash.Hash
}

// NewWriter returns a writer into a file.
func NewWriter(f io.Writer) *Writer {
	sum := sha256.New()
	return &Writer{out: bufio.NewWriter(io.MultiWriter(f, sum)), sum: sum}
}

func (w *Writer) line(value any) error {
	data, err := compactJSON(value)
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(data, '\n'))
	return err
}

func (w *Writer) each() error {
	if w.Each == nil {
		return nil
	}
	return w.Each()
}

// Begin writes the first line.
func (w *Writer) Begin(head Head) error { return w.line(head) }

// Document writes a document or a part of the sealed ones. Documents come before
// relationships.
func (w *Writer) Document(l *Line) error {
	w.End.Sealed += l.Count
	if l.Document != nil {
		w.End.Documents++
	} else if len(l.Sealed) == 0 {
		return nil
	}
	if err := w.line(l); err != nil {
		return err
	}
	return w.each()
}

// Finish writes the relationships and the last line.
func (w *Writer) Finish(relationships iter.Seq2[engine.Relationship, error]) error {
	for r, err := range relationships {
		if err != nil {
			return err
		}
		if err := w.line(RelationshipData(r)); err != nil {
			return err
		}
		w.End.Relationships++
		if err := w.each(); err != nil {
			return err
		}
	}
	if err := w.out.Flush(); err != nil { // into the checksum
		return err
	}
	w.End.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	if err := w.line(w.End); err != nil {
		return err
	}
	return w.out.Flush()
}

// Whole writes a new file and gives it its name when it is whole. Only its owner
// can read it.
func Whole(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file in it", name)
	}
	next := name + unfinishedEnd
	f, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, name); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}
