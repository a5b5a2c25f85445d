package replica

import (
	"os"
	"testing"
)

// TestBootKnowsWhatWasApplied begins with the files of a node that was killed
// right after a write: what it showed to readers then, it has again before it
// hears of anybody.
func TestBootKnowsWhatWasApplied(t *testing.T) {
	r := open(t, Config{Dir: t.TempDir()})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	wrote := propose(t, r, Proposal{Tx: touch(t, "document:readme#viewer@user:anne")})

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(r.config.Dir)); err != nil {
		t.Fatal(err)
	}
	c, err := Config{Dir: dir}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	again := newReplica(c)
	f, err := again.boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if head := again.Head(); head != wrote.Revision {
		t.Errorf("the head is %d, and %d was acknowledged", head, wrote.Revision)
	}
	if again.store.Stats().Relationships != 1 {
		t.Errorf("%d relationships, not 1", again.store.Stats().Relationships)
	}
	for _, close := range []func() error{f.close, again.store.Close, c.Network.Close} {
		if err := close(); err != nil {
			t.Error(err)
		}
	}
}
