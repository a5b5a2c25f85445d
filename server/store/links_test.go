package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"
)

// TestLinkHash follows the words of links.go with nothing but the document.
func TestLinkHash(t *testing.T) {
	l := Link{Number: 7, Revision: 300, Time: testTime.Add(89 * time.Millisecond), Previous: ChainHash{1, 2, 3}, Record: []byte(`{"a":[1.50,"é <"]}`)}
	value := l.encode()
	want := `{"number":7,"revision":300,"time":"2026-01-02T03:04:05.089Z","previous":"` +
		`0102030000000000000000000000000000000000000000000000000000000000","record":{"a":[1.50,"é <"]}}`
	if string(value) != want {
		t.Errorf("got  %s\nwant %s", value, want)
	}
	var doc struct {
		Number, Revision uint64
		Time             time.Time
		Previous         string
		Record           json.RawMessage
	}
	if err := json.Unmarshal(value, &doc); err != nil {
		t.Fatal(err)
	}
	previous, err := hex.DecodeString(doc.Previous)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	h.Write(previous)
	for _, n := range []uint64{doc.Number, doc.Revision, uint64(doc.Time.UnixMilli())} {
		h.Write(binary.BigEndian.AppendUint64(nil, n))
	}
	h.Write(doc.Record)
	if got := l.Hash(); !bytes.Equal(got[:], h.Sum(nil)) {
		t.Errorf("got %s, want %x", got, h.Sum(nil))
	}
}

// FuzzLink reads documents that no store has written. What is read has one form.
func FuzzLink(f *testing.F) {
	first := Link{Number: 1, Revision: 2, Time: testTime, Record: []byte(`null`)}
	second := Link{Number: 2, Revision: 3, Time: testTime, Previous: first.Hash(), Record: []byte(`{"a":"b"}`)}
	f.Add(first.encode())
	f.Add(second.encode())
	f.Add(bytes.Replace(second.encode(), []byte(`"record":`), []byte(`"record": `), 1))
	f.Add(bytes.ToUpper(second.encode()))
	f.Fuzz(func(t *testing.T, value []byte) {
		l, err := ParseLink(value)
		if err != nil {
			return
		}
		if !bytes.Equal(l.encode(), value) {
			t.Errorf("%s is read as %s", value, l.encode())
		}
	})
}
