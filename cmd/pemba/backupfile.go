package main

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

// checkBackup reads a backup to its end and returns its head and what it holds.
// seen is called with every relationship, and may be nil.
func checkBackup(f io.Reader, lines *backupLines, seen func(head *backupHead, line int64, r engine.Relationship) error) (backupHead, backupEnd, error) {
	for r, err := range lines.relationships(f, nil) {
		if err == nil && seen != nil {
			err = seen(&lines.head, lines.line, r)
		}
		if err != nil {
			return lines.head, backupEnd{}, err
		}
	}
	return lines.head, lines.read, nil
}

// openBackup opens a backup and checks it to its end.
func openBackup(name string, key backupKey) (*os.File, backupHead, backupEnd, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, backupHead{}, backupEnd{}, err
	}
	head, end, err := checkBackup(f, &backupLines{key: key}, nil)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, head, end, fmt.Errorf("%s: %w", name, err)
	}
	return f, head, end, nil
}

// maxBackupLine bounds a line of a backup, in bytes: a schema is one.
const maxBackupLine = 64 << 20

// backupLines reads a backup line by line.
type backupLines struct {
	key       backupKey                 // opens the sealed documents
	closed    bool                      // they are passed over, unopened
	documents func(*documentJSON) error // is given each document; nil: they are passed over

	head  backupHead
	read  backupEnd // how much so far
	line  int64     // from 1
	parts bool      // there are sealed documents
	in    *bufio.Scanner
	text  []byte // of the present line
	sum   hash.Hash
}

// scan goes to the next line and reports whether there is one.
func (b *backupLines) scan() bool {
	if !b.in.Scan() {
		return false
	}
	b.line++
	b.text = b.in.Bytes()
	return true
}

// take counts the present line into the checksum.
func (b *backupLines) take() {
	b.sum.Write(b.text)
	b.sum.Write([]byte{'\n'})
}

// relationships gives the relationships of a backup, and hands over its
// documents. At the end it compares their numbers and the checksum with the last
// line.
func (b *backupLines) relationships(f io.Reader, bar *progress) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		b.in = bufio.NewScanner(f)
		b.in.Buffer(nil, maxBackupLine)
		b.sum = sha256.New()
		if err := b.begin(); err != nil {
			yield(engine.Relationship{}, err)
			return
		}
		for more := b.scan(); more; {
			if end, ok := parseBackupEnd(b.text); ok {
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
				bar.add(1)
			}
			more = b.scan()
		}
		yield(engine.Relationship{}, cmp.Or(b.in.Err(), errCutShort))
	}
}

var errCutShort = errors.New("the backup is cut short: its last line is missing")

// entry reads the present line: a relationship, or a document, which it hands over.
func (b *backupLines) entry() (r engine.Relationship, isDocument bool, err error) {
	if isDocument = bytes.HasPrefix(b.text, []byte(`{"document":`)); isDocument {
		err = b.document(b.text)
	} else {
		b.read.Relationships++
		r, err = parseLine(string(b.text))
	}
	if err != nil {
		err = fmt.Errorf("line %d: %w", b.line, err)
	}
	b.take()
	return r, isDocument, err
}

func (b *backupLines) document(line []byte) error {
	var l backupLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&l); {
	case err != nil:
		return err
	case l.Document == nil || l.Document.Key == "" || len(l.Document.Value) == 0:
		return errors.New("a document has a key and a value")
	}
	b.read.Documents++
	if b.documents == nil {
		return nil
	}
	return b.documents(l.Document)
}

// begin reads the first line.
func (b *backupLines) begin() error {
	if !b.scan() {
		return cmp.Or(b.in.Err(), errors.New("the file is empty: this is no backup"))
	}
	switch err := json.Unmarshal(b.text, &b.head); {
	case err != nil || b.head.Format == 0:
		return errors.New("the first line is not that of a backup: `pemba relationship import` reads files of relationships")
	case b.head.Format < 1 || b.head.Format > backupFormat:
		return fmt.Errorf("the backup has format %d, this version reads formats 1 to %d: use a newer one", b.head.Format, backupFormat)
	}
	b.take()
	return nil
}

// parseBackupEnd reports whether a line is the last one of a backup.
func parseBackupEnd(line []byte) (backupEnd, bool) {
	var end backupEnd
	ok := bytes.HasPrefix(line, []byte(`{"relationships":`)) && json.Unmarshal(line, &end) == nil
	return end, ok
}

// end compares what was read with the last line.
func (b *backupLines) end(end backupEnd) error {
	switch {
	case end.Relationships != b.read.Relationships:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.read.Relationships), "relationship"), end.Relationships)
	case end.Documents != b.read.Documents:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.read.Documents), "document"), end.Documents)
	case !b.closed && end.Sealed != b.read.Sealed || b.parts != (end.Sealed > 0):
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.read.Sealed), "sealed document"), end.Sealed)
	case end.SHA256 != hex.EncodeToString(b.sum.Sum(nil)):
		return errors.New("the backup is damaged: its checksum does not fit")
	case b.in.Scan():
		return errors.New("the backup goes on after its last line")
	}
	b.read.Sealed = end.Sealed
	return b.in.Err()
}
