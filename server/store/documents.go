package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

const maxDocumentKey = 1024

// Document is a versioned JSON value beside the relationships.
type Document struct {
	Key     string
	Class   Class
	Version Revision // that wrote it
	Value   []byte
	Chained bool // it is a record of a chain
}

// Chain returns the chain of which the document is a record, "" for none.
func (d *Document) Chain() string {
	if !d.Chained {
		return ""
	}
	return chainOf(d.Key)
}

// chainedMark stands beside the class of a document that is a record of a chain.
const chainedMark byte = 0x80

// documentMark is the byte beside the value of a document.
func documentMark(class Class, chained bool) byte {
	if chained {
		return byte(class) | chainedMark
	}
	return byte(class)
}

func splitMark(mark byte) (class Class, chained bool) {
	return Class(mark &^ chainedMark), mark&chainedMark != 0
}

// Document returns the document of a key; ok is false when there is none.
func (sn *Snapshot) Document(key string) (doc Document, ok bool, err error) {
	if sn.closed.Load() {
		return Document{}, false, ErrClosed
	}
	return sn.view.document(key)
}

func (v view) document(key string) (Document, bool, error) {
	found, ok, err := v.get(documentKey(key))
	if !ok || err != nil {
		return Document{}, false, err
	}
	doc := Document{Key: key, Version: found.version, Value: found.value}
	doc.Class, doc.Chained = splitMark(found.mark)
	return doc, true, nil
}

// Documents yields the documents whose keys begin with prefix, by key, after the
// key given ("" for all). An error ends it.
func (sn *Snapshot) Documents(ctx context.Context, prefix, after string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		if sn.closed.Load() {
			yield(Document{}, ErrClosed)
			return
		}
		s := sn.view.scan(documentKey(prefix))
		defer s.close()
		var from []byte
		if after != "" {
			from = afterKey(documentKey(after))
		}
		for s.seek(from); s.valid(); s.next() {
			doc, err := s.document()
			if err == nil {
				err = ctx.Err()
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// DocumentsBackward yields the documents whose keys begin with prefix in
// descending order of their keys, from the last before the key given ("": from
// the last of all). An error ends it. Keys that were deleted not long ago cost
// time at the end of a chain whose oldest records were removed: Chain says where
// to stop.
func (sn *Snapshot) DocumentsBackward(ctx context.Context, prefix, before string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		if sn.closed.Load() {
			yield(Document{}, ErrClosed)
			return
		}
		s := sn.view.scanBack(documentKey(prefix))
		defer s.close()
		from := documentKey(before)
		if before == "" || before > prefix && !strings.HasPrefix(before, prefix) {
			before, from = "", append(documentKey(prefix), 0xff) // which no key has: they are UTF-8
		}
		for s.it.Seek(from); s.valid(); s.next() {
			doc, err := s.document()
			if err == nil && doc.Key == before {
				continue
			}
			if err == nil {
				err = ctx.Err()
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// document reads the document the walk stands on.
func (s *scan) document() (Document, error) {
	key, keyErr := splitDocument(s.key())
	value, err := s.value()
	doc := Document{Key: key, Version: s.version(), Value: append([]byte(nil), value...)}
	doc.Class, doc.Chained = splitMark(s.mark())
	return doc, errors.Join(keyErr, err)
}

// documentPreconditions judges which versions documents have.
func (j *judge) documentPreconditions() error {
	for _, p := range j.tx.DocumentPreconditions {
		if err := checkDocumentKey(p.Key); err != nil {
			return err
		}
		doc, _, err := j.view.document(p.Key)
		if err != nil {
			return err
		}
		if doc.Version != p.Version {
			return &DocumentVersionError{Key: p.Key, Have: doc.Version, Want: p.Version}
		}
	}
	return nil
}

// documents judges the document updates and puts what they change into the
// record, the hash and the entries.
func (j *judge) documents() error {
	seen := map[string]bool{}
	for i := range j.tx.Documents {
		u := &j.tx.Documents[i]
		if err := u.validate(); err != nil {
			return err
		}
		if seen[u.Key] {
			return &DocumentError{Key: u.Key, Msg: "is updated twice in one transaction; keep one of the updates"}
		}
		seen[u.Key] = true
		old, had, err := j.view.document(u.Key)
		if err != nil {
			return err
		}
		if u.IfVersion != nil && *u.IfVersion != old.Version {
			return &DocumentVersionError{Key: u.Key, Have: old.Version, Want: *u.IfVersion}
		}
		if had && u.Value != nil && old.Class != u.Class {
			return &DocumentClassError{Key: u.Key, Have: old.Class, Ask: u.Class}
		}
		j.writeDocument(u, old, had)
	}
	return nil
}

func (j *judge) writeDocument(u *DocumentUpdate, old Document, had bool) {
	if !had && u.Value == nil {
		return
	}
	key := documentKey(u.Key)
	change := DocumentChange{Op: Create, Key: u.Key, Class: u.Class}
	if had {
		change.Op, change.Class = Touch, old.Class
		j.record.Hash.remove(key, old.Value, byte(old.Class))
	}
	if u.Value == nil {
		change.Op = Delete
		j.entries = append(j.entries, entry{key: key, remove: true})
	} else {
		j.record.Hash.add(key, u.Value, byte(u.Class))
		j.entries = append(j.entries, entry{key: key, value: u.Value, mark: byte(u.Class)})
	}
	j.record.Documents = append(j.record.Documents, change)
}

func (u *DocumentUpdate) validate() error {
	if err := checkDocumentKey(u.Key); err != nil {
		return err
	}
	switch {
	case u.Value == nil:
		return nil
	case len(u.Value) > MaxDocument:
		return &DocumentTooLargeError{Key: u.Key, Size: len(u.Value), Limit: MaxDocument}
	case !json.Valid(u.Value):
		return &DocumentError{Key: u.Key, Msg: "is not valid JSON"}
	case u.Class != ClassOpen && u.Class != ClassSealed:
		return &DocumentError{Key: u.Key, Msg: "has no class; give open or sealed"}
	}
	return nil
}

func checkDocumentKey(key string) error {
	if key == "" || len(key) > maxDocumentKey || strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key) {
		return &DocumentError{Key: key, Msg: fmt.Sprintf("has a bad key; 1 to %d bytes of UTF-8 without a zero byte are allowed", maxDocumentKey)}
	}
	return nil
}
