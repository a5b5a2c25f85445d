package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"

	"github.com/pemba-authz/pemba/engine"
)

// check reads a backup to its end. seen is called with every relationship, and may
// be nil.
func check(f io.Reader, lines *Reader, seen func(r engine.Relationship) error) (Head, End, error) {
	for r, err := range lines.Relationships(f) {
		if err == nil && seen != nil {
			err = seen(r)
		}
		if err != nil {
			return lines.Head, End{}, err
		}
	}
	return lines.Head, lines.Read, nil
}

// Open opens a backup and checks it to its end.
func Open(name string, key Key) (*os.File, Head, End, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, Head{}, End{}, err
	}
	head, end, err := check(f, &Reader{Key: key}, nil)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, head, end, fmt.Errorf("%s: %w", name, err)
	}
	return f, head, end, nil
}

// maxLine bounds a line of a backup, in bytes: a schema is one.
const maxLine = 64 << 20

// Reader reads a backup line by line.
type Reader struct {
	Key       Key                   // opens the sealed documents
	Closed    bool                  // they are passed over, unopened
	Documents func(*Document) error // is given each document; nil: they are passed over
	Each      func() error          // is called after each relationship and document; may be nil

	Head Head
	Read End   // how much so far
	Line int64 // from 1

	parts bool // there are sealed documents
	in    *bufio.Scanner
	text  []byte // of the present line
	sum   hash.Hash
}

func (b *Reader) each() error {
	if b.Each == nil {
		return nil
	}
	return b.Each()
}

// scan goes to the next line and reports whether there is one.
func (b *Reader) scan() bool {
	if !b.in.Scan() {
		return false
	}
	b.Line++
	b.text = b.in.Bytes()
	return true
}

// take counts the present line into the checksum.
func (b *Reader) take() {
	b.sum.Write(b.text)
	b.sum.Write([]byte{'\n'})
}

// Relationships gives the relationships of a backup, and hands over its
// documents. At the end it compares their numbers and the checksum with the last
// line.
func (b *Reader) Relationships(f io.Reader) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		b.in = bufio.NewScanner(f)
		b.in.Buffer(nil, maxLine)
		b.sum = sha256.New()
		if err := b.begin(); err != nil {
			yield(engine.Relationship{}, err)
			return
		}
		for more := b.scan(); more; {
			if end, ok := parseEnd(b.text); ok {
				if err := b.end(end); err != nil {
					yield(engine.Relationship{}, err)
				}
				return
			}
			if bytes.HasPrefix(b.text, sealedLine) { // it goes on with the line after them
				if err := b.sealed(); err != nil {
					yield(engine.Relationship{}, err)
					return
				}
				continue
			}
			r, isDocument, err := b.entry()
			if err != nil || !isDocument {
				if !yield(r, err) || err != nil {
					return
				}
			}
			if err := b.each(); err != nil {
				yield(engine.Relationship{}, err)
				return
			}
			more = b.scan()
		}
		yield(engine.Relationship{}, cmp.Or(b.in.Err(), errCutShort))
	}
}

var errCutShort = errors.New("the backup is cut short: its last line is missing")

// entry reads the present line: a relationship, or a document, which it hands over.
func (b *Reader) entry() (r engine.Relationship, isDocument bool, err error) {
	if isDocument = bytes.HasPrefix(b.text, []byte(`{"document":`)); isDocument {
		err = b.document(b.text)
	} else {
		b.Read.Relationships++
		r, err = ParseLine(string(b.text))
	}
	if err != nil {
		err = fmt.Errorf("line %d: %w", b.Line, err)
	}
	b.take()
	return r, isDocument, err
}

func (b *Reader) document(line []byte) error {
	var l Line
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&l); {
	case err != nil:
		return err
	case l.Document == nil || l.Document.Key == "" || len(l.Document.Value) == 0:
		return errors.New("a document has a key and a value")
	}
	b.Read.Documents++
	if b.Documents == nil {
		return nil
	}
	return b.Documents(l.Document)
}

// begin reads the first line.
func (b *Reader) begin() error {
	if !b.scan() {
		return cmp.Or(b.in.Err(), errors.New("the file is empty: this is no backup"))
	}
	switch err := json.Unmarshal(b.text, &b.Head); {
	case err != nil || b.Head.Format == 0:
		return errors.New("the first line is not that of a backup: `pemba relationship import` reads files of relationships")
	case b.Head.Format < 1 || b.Head.Format > Format:
		return fmt.Errorf("the backup has format %d, this version reads formats 1 to %d: use a newer one", b.Head.Format, Format)
	}
	b.take()
	return nil
}

// parseEnd reports whether a line is the last one of a backup.
func parseEnd(line []byte) (End, bool) {
	var end End
	ok := bytes.HasPrefix(line, []byte(`{"relationships":`)) && json.Unmarshal(line, &end) == nil
	return end, ok
}

// end compares what was read with the last line.
func (b *Reader) end(end End) error {
	switch {
	case end.Relationships != b.Read.Relationships:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(b.Read.Relationships, "relationship"), end.Relationships)
	case end.Documents != b.Read.Documents:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(b.Read.Documents, "document"), end.Documents)
	case !b.Closed && end.Sealed != b.Read.Sealed || b.parts != (end.Sealed > 0):
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(b.Read.Sealed, "sealed document"), end.Sealed)
	case end.SHA256 != hex.EncodeToString(b.sum.Sum(nil)):
		return errors.New("the backup is damaged: its checksum does not fit")
	case b.in.Scan():
		return errors.New("the backup goes on after its last line")
	}
	b.Read.Sealed = end.Sealed
	return b.in.Err()
}
