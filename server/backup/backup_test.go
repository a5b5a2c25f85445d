package backup

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/pemba-authz/pemba/engine"
)

// sealedBackup returns a backup with sealed documents in several lines, and the
// key that opens them.
func sealedBackup(t testing.TB, values ...string) ([]byte, Key) {
	t.Helper()
	secret, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := Key{secret, secret.Recipient().String()}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, secret.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if _, err := fmt.Fprintf(w, `{"key":"secret/%d","value":%s}`+"\n", i, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	documents := func(yield func(*Line, error) bool) {
		for file.Len() > 0 {
			if !yield(&Line{Sealed: file.Next(100)}, nil) {
				return
			}
		}
		_ = yield(&Line{Count: int64(len(values))}, nil) && yield(&Line{Document: &Document{Key: "open", Value: []byte(`{"a":1.50}`)}}, nil)
	}
	relationships := func(yield func(engine.Relationship, error) bool) {
		r, err := engine.ParseRelationship("document:plan#viewer@user:ana")
		yield(r, err)
	}
	var out bytes.Buffer
	head := Head{Format: Format, Revision: "7", Schema: "definition user {} definition document { relation viewer: user }", BackupKey: key.Public}
	b := NewWriter(&out)
	if err := b.Begin(head); err != nil {
		t.Fatal(err)
	}
	for l, err := range documents {
		if err == nil {
			err = b.Document(l)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Finish(relationships); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), key
}

// readBackup reads a backup to its end, and returns its documents.
func readBackup(f io.Reader, key Key) (documents []string, end End, err error) {
	lines := &Reader{Key: key, Documents: func(d *Document) error {
		documents = append(documents, fmt.Sprintf("%s %v %s", d.Key, d.Sealed, d.Value))
		return nil
	}}
	_, end, err = check(f, lines, nil)
	return documents, end, err
}

// TestSealedBackup reads what was written, and refuses it with any byte changed and
// cut anywhere.
func TestSealedBackup(t *testing.T) {
	backup, key := sealedBackup(t, `"first"`, `{"n":12345678901234567890}`)
	documents, end, err := readBackup(bytes.NewReader(backup), key)
	want := []string{`secret/0 true "first"`, `secret/1 true {"n":12345678901234567890}`, `open false {"a":1.50}`}
	if err != nil || fmt.Sprint(documents) != fmt.Sprint(want) || end.Sealed != 2 || end.Documents != 1 || end.Relationships != 1 {
		t.Fatalf("%q, %+v, %v", documents, end, err)
	}
	closed := &Reader{Closed: true}
	if _, end, err := check(bytes.NewReader(backup), closed, nil); err != nil || end.Sealed != 2 {
		t.Errorf("unopened: %+v, %v", end, err)
	}
	for i := range backup {
		damaged := bytes.Clone(backup)
		damaged[i] ^= 1
		if _, _, err := readBackup(bytes.NewReader(damaged), key); err == nil {
			t.Errorf("byte %d, %q, was changed, and nothing is said", i, backup[i])
		}
		if _, _, err := readBackup(bytes.NewReader(backup[:i]), key); err == nil && i < len(backup)-1 { // the last is a newline
			t.Errorf("it is cut at %d, and nothing is said", i)
		}
	}
	other := strings.Replace(string(backup), `{"relationships":`, `{"sealed":"YQ=="}`+"\n"+`{"relationships":`, 1)
	if _, _, err := readBackup(strings.NewReader(other), key); err == nil || !strings.Contains(err.Error(), "two places") {
		t.Errorf("sealed documents in two places: %v", err)
	}
}

// FuzzBackup reads files that are no backups.
func FuzzBackup(f *testing.F) {
	backup, key := sealedBackup(f, `1`)
	f.Add(backup)
	f.Add([]byte(`{"pembaBackup":3,"revision":"AbC","schema":"definition user {}"}` + "\n" + `{"sealed":"YWdlLWVuY3J5cHRpb24ub3JnL3YxCg=="}` + "\n"))
	f.Add([]byte(`{"pembaBackup":2,"revision":"AbC","schema":""}` + "\n" + `{"document":{"key":"a","chain":"a","value":1}}` + "\n" + `{"relationships":0,"documents":1,"sha256":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, lines := range []*Reader{{Key: key}, {Closed: true}, {}} {
			lines.Documents = func(d *Document) error {
				if d.Key == "" || len(d.Value) == 0 {
					t.Error("a document has no key or no value")
				}
				return nil
			}
			_, _, _ = check(bytes.NewReader(data), lines, nil) // whatever it says, it does not panic
		}
	})
}
