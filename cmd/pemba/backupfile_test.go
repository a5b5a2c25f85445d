package main

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
func sealedBackup(t testing.TB, values ...string) ([]byte, backupKey) {
	t.Helper()
	secret, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := backupKey{secret, secret.Recipient().String()}
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
	documents := func(yield func(*backupLine, error) bool) {
		for file.Len() > 0 {
			if !yield(&backupLine{Sealed: file.Next(100)}, nil) {
				return
			}
		}
		_ = yield(&backupLine{sealed: int64(len(values))}, nil) && yield(&backupLine{Document: &documentJSON{Key: "open", Value: []byte(`{"a":1.50}`)}}, nil)
	}
	relationships := func(yield func(engine.Relationship, error) bool) {
		r, err := engine.ParseRelationship("document:plan#viewer@user:ana")
		yield(r, err)
	}
	var out bytes.Buffer
	head := backupHead{Format: backupFormat, Revision: "7", Schema: "definition user {} definition document { relation viewer: user }", BackupKey: key.public}
	if err := newBackupWriter(&out, nil).write(head, relationships, documents); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), key
}

// readBackup reads a backup to its end, and returns its documents.
func readBackup(f io.Reader, key backupKey) (documents []string, end backupEnd, err error) {
	lines := &backupLines{key: key, documents: func(d *documentJSON) error {
		documents = append(documents, fmt.Sprintf("%s %v %s", d.Key, d.sealed, d.Value))
		return nil
	}}
	_, end, err = checkBackup(f, lines, nil)
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
	closed := &backupLines{closed: true}
	if _, end, err := checkBackup(bytes.NewReader(backup), closed, nil); err != nil || end.Sealed != 2 {
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
		for _, lines := range []*backupLines{{key: key}, {closed: true}, {}} {
			lines.documents = func(d *documentJSON) error {
				if d.Key == "" || len(d.Value) == 0 {
					t.Error("a document has no key or no value")
				}
				return nil
			}
			_, _, _ = checkBackup(bytes.NewReader(data), lines, nil) // whatever it says, it does not panic
		}
	})
}
