package replica

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/pemba-authz/pemba/server/store"
)

// TestInspect looks into a directory that is empty, in use, and of a node that
// was stopped.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	if i, err := Inspect(dir); err != nil || i.Node != "" || i.Cluster != 0 || i.Last != 0 {
		t.Errorf("an empty directory: %+v, %v", i, err)
	}
	c := Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Store: store.Config{MinFree: 1}, Cluster: 0xc1, Epoch: 5}
	r, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(dir); !errors.As(err, new(*store.DirectoryInUseError)) {
		t.Errorf("a directory in use: %v", err)
	}
	schema := "definition user {}"
	for range 3 {
		if _, err := r.Propose(t.Context(), Proposal{Tx: store.Transaction{Schema: &schema, Actor: "ana"}}); err != nil {
			t.Fatal(err)
		}
	}
	want := r.Status()
	if want.Cluster != 0xc1 || want.Epoch != 5 {
		t.Errorf("founded as %016x, epoch %d", want.Cluster, want.Epoch)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	i, err := Inspect(dir)
	if err != nil || i.Node != want.ID || i.Cluster != 0xc1 || i.Epoch != 5 || len(i.Members) != 1 || i.Members[0].ID != want.ID || !i.Members[0].Voter || i.Last < want.LastIndex || i.LastTime.IsZero() {
		t.Errorf("%+v, %v; want %+v", i, err, want)
	}
	schemas, next := 0, uint64(0)
	for e, err := range ReadLog(dir, 0) {
		if err != nil || e.Err != nil {
			t.Fatal(err, e.Err)
		}
		if next++; e.Index != next {
			t.Errorf("entry %d comes after entry %d", e.Index, next-1)
		}
		if e.Kind == "transaction" && e.Actor == "ana" && !e.Time.IsZero() && len(e.Does) == 1 {
			schemas++
		}
	}
	if schemas != 3 || next != i.Last {
		t.Errorf("%d schemas in %d entries, want 3 in %d", schemas, next, i.Last)
	}
	for e, err := range ReadLog(dir, i.Last) {
		if e.Index != i.Last || err != nil {
			t.Errorf("from entry %d on comes entry %d, %v", i.Last, e.Index, err)
		}
	}
}

// TestOpenPledged founds no cluster of its own with a node that has agreed to be
// one of several.
func TestOpenPledged(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, raftDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"FORMAT": "pemba store 2\n", filepath.Join(raftDir, pledgeFile): `{"cluster":"5"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Store: store.Config{MinFree: 1}})
	var member *MemberError
	if !errors.As(err, &member) || member.Members != 0 {
		t.Fatalf("%v", err)
	}
}
