package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// writeLog makes a log of some entries and returns its file and them.
func writeLog(t *testing.T) (dir, file string, entries []*raft.Log) {
	t.Helper()
	dir = t.TempDir()
	f, err := openFiles(&Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	stamped := &stampedLog{LogStore: f.logs, applied: func() uint64 { return 3 }}
	for i := range 6 {
		batch := []*raft.Log{
			{Index: uint64(2*i + 1), Term: 2, Type: raft.LogCommand, Data: bytes.Repeat([]byte{byte(i + 1)}, 40)},
			{Index: uint64(2*i + 2), Term: 2, Type: raft.LogNoop},
		}
		if err := stamped.StoreLogs(batch); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, batch...)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, raftDir, logFile), entries
}

// readLogFile reads what a file has of a log.
func readLogFile(file string) ([]*raft.Log, error) {
	b, err := openLog(raftboltdb.Options{Path: file, BoltOptions: &bbolt.Options{ReadOnly: true}})
	if err != nil {
		return nil, err
	}
	var all []*raft.Log
	var fault error
	for e, err := range entries(&checkedLog{b, file}, 0) {
		if fault = err; err == nil {
			all = append(all, e)
		}
	}
	return all, errors.Join(fault, b.Close())
}

// TestDamagedLog changes a byte of what each entry says, wherever the file has it:
// the log is not read past the first that is not as it was written.
func TestDamagedLog(t *testing.T) {
	_, file, want := writeLog(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range want {
		if e.Type != raft.LogCommand {
			continue
		}
		changed := bytes.Clone(whole)
		for from := 0; ; {
			at := bytes.Index(changed[from:], e.Data)
			if at < 0 {
				break
			}
			changed[from+at+7] ^= 0x10
			from += at + len(e.Data)
		}
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readLogFile(file)
		if damaged, ok := errors.AsType[*DamagedLogError](err); !ok || damaged.File != file || !strings.Contains(damaged.Msg, "checksum") {
			t.Errorf("entry %d: %v", e.Index, err)
		}
		if len(got) != i {
			t.Errorf("entry %d: %d are read", e.Index, len(got))
		}
	}
}

// TestDamagedEntry changes each part of an entry that has a checksum.
func TestDamagedEntry(t *testing.T) {
	for name, change := range map[string]func(*raft.Log){
		"index":      func(e *raft.Log) { e.Index++ },
		"term":       func(e *raft.Log) { e.Term++ },
		"type":       func(e *raft.Log) { e.Type = raft.LogNoop },
		"data":       func(e *raft.Log) { e.Data = []byte("others") },
		"extensions": func(e *raft.Log) { e.Extensions[0]++ },
		"checksum":   func(e *raft.Log) { e.Extensions[len(e.Extensions)-1]++ },
	} {
		s := &alteredLog{LogStore: raft.NewInmemStore()}
		l := &checkedLog{s, "log"}
		if err := l.StoreLog(&raft.Log{Index: 1, Term: 2, Data: []byte("data"), Extensions: make([]byte, stampSize)}); err != nil {
			t.Fatal(err)
		}
		var e raft.Log
		if err := l.GetLog(1, &e); err != nil || len(e.Extensions) != stampSize {
			t.Fatalf("%+v %v", e, err)
		}
		s.change = change
		if _, ok := errors.AsType[*DamagedLogError](l.GetLog(1, &e)); !ok {
			t.Errorf("another %s is not found out", name)
		}
	}
}

// alteredLog gives back others entries than it took.
type alteredLog struct {
	raft.LogStore
	change func(*raft.Log)
}

func (l *alteredLog) GetLog(index uint64, entry *raft.Log) error {
	err := l.LogStore.GetLog(index, entry)
	if l.change != nil {
		entry.Extensions = bytes.Clone(entry.Extensions)
		l.change(entry)
	}
	return err
}

// TestTornLog opens logs of which pages are missing or others: an error says so,
// where the library would end the process.
func TestTornLog(t *testing.T) {
	dir, file, _ := writeLog(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, change := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:3*page] },
		"emptied": func(b []byte) []byte { clear(b[2*page:]); return b },
		"overwritten": func(b []byte) []byte {
			for i := range b[2*page:] {
				b[2*page+i] = 0xa5
			}
			return b
		},
		"without a table": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("logs"), []byte("dogs")) },
		"the first head":  func(b []byte) []byte { clear(b[pageHeaderSize:page]); return b },
		"the second head": func(b []byte) []byte { b[page+pageHeaderSize+48] ^= 1; return b },
		"an old head":     func(b []byte) []byte { copy(b[page:2*page], oldHead(b[page:2*page])); return b },
		"headless":        func(b []byte) []byte { clear(b[:2*page]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, change(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := openFiles(&Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), unsynced: true})
			if err == nil {
				err = f.close()
				t.Fatalf("it opens; closing: %v", err)
			}
			if !strings.Contains(err.Error(), file) {
				t.Errorf("%v", err)
			}
		})
	}
}

// oldHead is a meta page that is whole, and of two transactions before.
func oldHead(page []byte) []byte {
	old := bytes.Clone(page)
	m := old[pageHeaderSize:][:metaSize]
	binary.NativeEndian.PutUint64(m[48:], binary.NativeEndian.Uint64(m[48:])-2)
	sum := fnv.New64a()
	sum.Write(m[:metaSize-8])
	binary.NativeEndian.PutUint64(m[metaSize-8:], sum.Sum64())
	return old
}

// TestRoundLog has a branch of a log point to itself: that is said, where the
// library would follow it for ever.
func TestRoundLog(t *testing.T) {
	_, file, _ := writeLog(t)
	b, err := openLog(raftboltdb.Options{Path: file, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	var many []*raft.Log
	for i := range 400 { // more than fit on a page
		many = append(many, &raft.Log{Index: uint64(i + 13), Data: make([]byte, 40)})
	}
	if err := errors.Join(b.StoreLogs(many), b.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page, order, found := os.Getpagesize(), binary.NativeEndian, 0
	for at := 2 * page; at < len(text); at += page {
		if p := text[at:]; order.Uint16(p[8:]) == branchPage && order.Uint64(p) == uint64(at/page) {
			order.PutUint64(p[pageHeaderSize+8:], uint64(at/page))
			found++
		}
	}
	if found == 0 {
		t.Fatal("the log has no branch")
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLogFile(file); err == nil || !strings.Contains(err.Error(), "pointed to") {
		t.Errorf("%v", err)
	}
}

// TestShortLog starts nodes whose log ends before what was applied from it. That
// is damage, unless a recovery is under way.
func TestShortLog(t *testing.T) {
	r := open(t, Config{Dir: t.TempDir()})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	wrote := propose(t, r, Proposal{Tx: touch(t, "document:readme#viewer@user:anne")})
	if err := r.store.Sync(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(r.config.Dir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, raftDir, logFile)
	b, err := openLog(raftboltdb.Options{Path: file, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	last, err := b.LastIndex()
	if err := errors.Join(err, b.DeleteRange(uint64(wrote.Revision), last), b.Close()); err != nil {
		t.Fatal(err)
	}
	start := func() error {
		c, err := Config{Dir: dir}.withDefaults()
		if err != nil {
			return err
		}
		again := newReplica(c)
		defer again.cancel()
		f, err := again.boot(t.Context())
		if err == nil {
			err = errors.Join(f.close(), again.store.Close())
		}
		return errors.Join(err, c.Network.Close())
	}
	err = start()
	if damaged, ok := errors.AsType[*DamagedLogError](err); !ok || damaged.File != file || !strings.Contains(damaged.Msg, "it ends with entry") {
		t.Errorf("%v", err)
	}
	if err := writeFile(filepath.Join(dir, raftDir, recoverFile), nil); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Errorf("while a recovery is under way: %v", err)
	}
}

// TestUncheckedLog reads entries of versions that wrote no checksums.
func TestUncheckedLog(t *testing.T) {
	s := raft.NewInmemStore()
	for i, extensions := range [][]byte{nil, {}, {0, 0, 0, 0, 0, 0, 0, 1}} {
		if err := s.StoreLog(&raft.Log{Index: uint64(i + 1), Data: []byte("x"), Extensions: extensions}); err != nil {
			t.Fatal(err)
		}
		var e raft.Log
		if err := (&checkedLog{s, "log"}).GetLog(uint64(i+1), &e); err != nil || !bytes.Equal(e.Extensions, extensions) {
			t.Errorf("%v: %v %v", extensions, e.Extensions, err)
		}
	}
	if err := (&checkedLog{s, "log"}).GetLog(9, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}
