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
func checkBackup(f io.Reader, seen func(head *backupHead, line int64, r engine.Relationship) error) (backupHead, backupEnd, error) {
	lines := &backupLines{}
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
func openBackup(name string) (*os.File, backupHead, backupEnd, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, backupHead{}, backupEnd{}, err
	}
	head, end, err := checkBackup(f, nil)
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
	head      backupHead
	documents func(*documentJSON) error // is given each document; nil: they are passed over
	read      backupEnd                 // how much so far
	line      int64                     // from 1
	sum       hash.Hash
}

// relationships gives the relationships of a backup, and hands over its
// documents. At the end it compares their numbers and the checksum with the last
// line.
func (b *backupLines) relationships(f io.Reader, bar *progress) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		in := bufio.NewScanner(f)
		in.Buffer(nil, maxBackupLine)
		b.sum = sha256.New()
		if err := b.begin(in); err != nil {
			yield(engine.Relationship{}, err)
			return
		}
		for in.Scan() {
			b.line++
			line := in.Bytes()
			if end, ok := parseBackupEnd(line); ok {
				if err := b.end(in, end); err != nil {
					yield(engine.Relationship{}, err)
				}
				return
			}
			if bytes.HasPrefix(line, []byte(`{"document":`)) {
				if err := b.document(line); err != nil {
					yield(engine.Relationship{}, fmt.Errorf("line %d: %w", b.line, err))
					return
				}
				b.add(line)
				continue
			}
			r, err := parseLine(in.Text())
			if err != nil {
				err = fmt.Errorf("line %d: %w", b.line, err)
			}
			b.read.Relationships++
			b.add(line)
			if !yield(r, err) || err != nil {
				return
			}
			bar.add(1)
		}
		yield(engine.Relationship{}, cmp.Or(in.Err(), errors.New("the backup is cut short: its last line is missing")))
	}
}

func (b *backupLines) document(line []byte) error {
	var d backupDocument
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&d); {
	case err != nil:
		return err
	case d.Document == nil || d.Document.Key == "" || len(d.Document.Value) == 0:
		return errors.New("a document has a key and a value")
	}
	b.read.Documents++
	if b.documents == nil {
		return nil
	}
	return b.documents(d.Document)
}

func (b *backupLines) add(line []byte) {
	b.sum.Write(line)
	b.sum.Write([]byte{'\n'})
}

// begin reads the first line.
func (b *backupLines) begin(in *bufio.Scanner) error {
	if !in.Scan() {
		return cmp.Or(in.Err(), errors.New("the file is empty: this is no backup"))
	}
	b.line = 1
	switch err := json.Unmarshal(in.Bytes(), &b.head); {
	case err != nil || b.head.Format == 0:
		return errors.New("the first line is not that of a backup: `pemba relationship import` reads files of relationships")
	case b.head.Format < 1 || b.head.Format > backupFormat:
		return fmt.Errorf("the backup has format %d, this version reads formats 1 to %d: use a newer one", b.head.Format, backupFormat)
	}
	b.add(in.Bytes())
	return nil
}

// parseBackupEnd reports whether a line is the last one of a backup.
func parseBackupEnd(line []byte) (backupEnd, bool) {
	var end backupEnd
	ok := bytes.HasPrefix(line, []byte(`{"relationships":`)) && json.Unmarshal(line, &end) == nil
	return end, ok
}

// end compares what was read with the last line.
func (b *backupLines) end(in *bufio.Scanner, end backupEnd) error {
	switch {
	case end.Relationships != b.read.Relationships:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.read.Relationships), "relationship"), end.Relationships)
	case end.Documents != b.read.Documents:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.read.Documents), "document"), end.Documents)
	case end.SHA256 != hex.EncodeToString(b.sum.Sum(nil)):
		return errors.New("the backup is damaged: its checksum does not fit")
	case in.Scan():
		return errors.New("the backup goes on after its last line")
	}
	return in.Err()
}
