package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// sealedLine is how the line of a part of the sealed documents begins.
var sealedLine = []byte(`{"sealed":`)

// sealedParts reads the lines with parts of the sealed documents as one file, up to
// the first line that is none.
type sealedParts struct {
	lines *Reader
	part  []byte
}

// Read implements io.Reader.
func (s *sealedParts) Read(p []byte) (int, error) {
	for len(s.part) == 0 {
		if !bytes.HasPrefix(s.lines.text, sealedLine) {
			return 0, io.EOF
		}
		var l Line
		if err := json.Unmarshal(s.lines.text, &l); err != nil || len(l.Sealed) == 0 {
			return 0, fmt.Errorf("line %d: a part of the sealed documents has no content", s.lines.Line)
		}
		s.part = l.Sealed
		s.lines.take()
		if !s.lines.scan() {
			return 0, cmp.Or(s.lines.in.Err(), errCutShort)
		}
	}
	n := copy(p, s.part)
	s.part = s.part[n:]
	return n, nil
}

// sealed reads the sealed documents, which begin at the present line, and hands
// them over. It stands on the line after them then.
func (b *Reader) sealed() error {
	if b.parts {
		return fmt.Errorf("line %d: the sealed documents lie in two places", b.Line)
	}
	parts := &sealedParts{lines: b}
	b.parts = true
	if b.Closed {
		_, err := io.Copy(io.Discard, parts)
		return err
	}
	if err := b.Key.opens(&b.Head); err != nil {
		return err
	}
	file, err := age.Decrypt(parts, b.Key.Secret)
	if other := (*age.NoIdentityMatchError)(nil); errors.As(err, &other) {
		return &KeyError{"the sealed documents of the backup are encrypted to another key"}
	}
	if err != nil {
		return fmt.Errorf("the sealed documents are damaged: %w", err)
	}
	in := bufio.NewScanner(file)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		d := &Document{}
		if err := json.Unmarshal(in.Bytes(), d); err != nil || d.Key == "" || len(d.Value) == 0 {
			return errors.New("the sealed documents are damaged: one of them has no key or no value")
		}
		d.Sealed = true
		b.Read.Sealed++
		if b.Documents != nil {
			if err := b.Documents(d); err != nil {
				return err
			}
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("the sealed documents are damaged: %w", err)
	}
	return nil
}
