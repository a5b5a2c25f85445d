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

	"github.com/pemba-authz/pemba/engine"
)

// checkBackup reads a backup to its end and returns its head and how many
// relationships it holds.
func checkBackup(f io.Reader) (backupHead, int64, error) {
	lines := &backupLines{}
	for _, err := range lines.relationships(f, nil) {
		if err != nil {
			return backupHead{}, 0, err
		}
	}
	return lines.head, lines.count, nil
}

// maxBackupLine bounds a line of a backup, in bytes: a schema is one.
const maxBackupLine = 64 << 20

// backupLines reads a backup line by line.
type backupLines struct {
	head  backupHead
	count int64 // of relationships so far
	sum   hash.Hash
}

// relationships gives the relationships of a backup. At the end it compares
// their number and the checksum with the last line.
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
			if end, ok := parseBackupEnd(in.Bytes()); ok {
				if err := b.end(in, end); err != nil {
					yield(engine.Relationship{}, err)
				}
				return
			}
			r, err := parseLine(in.Text())
			if err != nil {
				err = fmt.Errorf("line %d: %w", b.count+2, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
			b.count++
			b.add(in.Bytes())
			bar.add(1)
		}
		yield(engine.Relationship{}, cmp.Or(in.Err(), errors.New("the backup is cut short: its last line is missing")))
	}
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
	switch err := json.Unmarshal(in.Bytes(), &b.head); {
	case err != nil || b.head.Format == 0:
		return errors.New("the first line is not that of a backup: `pemba relationship import` reads files of relationships")
	case b.head.Format != backupFormat:
		return fmt.Errorf("the backup has format %d, this version reads format %d: use a newer one", b.head.Format, backupFormat)
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
	case end.Relationships != b.count:
		return fmt.Errorf("the backup is damaged: it holds %s, its last line says %d", counted(int(b.count), "relationship"), end.Relationships)
	case end.SHA256 != hex.EncodeToString(b.sum.Sum(nil)):
		return errors.New("the backup is damaged: its checksum does not fit")
	case in.Scan():
		return errors.New("the backup goes on after its last line")
	}
	return in.Err()
}
