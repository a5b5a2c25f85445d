package replica

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

func TestTokenAheadOfTheHead(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	ahead := r.Token(r.Head() + 1)
	type got struct {
		sn  *Snapshot
		err error
	}
	results := make(chan got)
	for _, mode := range []Mode{AtLeastAsFresh, AtExactSnapshot} {
		go func() {
			sn, err := r.Snapshot(t.Context(), Consistency{mode, ahead})
			results <- got{sn, err}
		}()
	}
	wrote := propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
	for range 2 {
		g := <-results
		if g.err != nil {
			t.Fatal(g.err)
		}
		if g.sn.Revision() != wrote.Revision {
			t.Errorf("revision %d was read after a token of %d", g.sn.Revision(), wrote.Revision)
		}
		g.sn.Close()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Snapshot(gone, Consistency{AtLeastAsFresh, r.Token(1 << 40)}); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone got %v", err)
	}
	if _, err := r.Propose(gone, Proposal{Tx: touch(t, "document:b#viewer@user:anne")}); !errors.Is(err, context.Canceled) || readable(t, r, "document:b#viewer@user:anne") {
		t.Errorf("a write by who is gone: %v", err)
	}
}

func TestTokenWaitIsBounded(t *testing.T) {
	r := open(t, Config{InMemory: true, MaxTokenWait: time.Millisecond})
	var unavailable *UnavailableError
	_, err := r.Snapshot(t.Context(), Consistency{AtLeastAsFresh, r.Token(1 << 40)})
	if !errors.As(err, &unavailable) || unavailable.RetryAfter == 0 || unavailable.MayApply {
		t.Errorf("got %v", err)
	}
}

func TestSnapshotRefusals(t *testing.T) {
	r, other := open(t, Config{InMemory: true}), open(t, Config{InMemory: true})
	var fault *TokenError
	for token, want := range map[string]TokenFault{"x": TokenGarbage, other.Token(1): TokenOtherCluster} {
		for _, mode := range []Mode{AtLeastAsFresh, AtExactSnapshot} {
			if _, err := r.Snapshot(t.Context(), Consistency{mode, token}); !errors.As(err, &fault) || fault.Fault != want {
				t.Errorf("token %q: %v", token, err)
			}
		}
	}
	if _, err := r.Snapshot(t.Context(), Consistency{Mode: 9}); err == nil {
		t.Error("an unknown mode was read")
	}
	var expired *store.ExpiredRevisionError
	if _, err := r.SnapshotAt(0); !errors.As(err, &expired) {
		t.Errorf("revision 0: %v", err)
	}
	var future *store.FutureRevisionError
	if _, err := r.SnapshotAt(r.Head() + 1); !errors.As(err, &future) {
		t.Errorf("a revision to come: %v", err)
	}
}

func TestWaitFor(t *testing.T) {
	r := open(t, Config{InMemory: true})
	if head, err := r.WaitFor(t.Context(), r.Head()); err != nil || head != r.Head() {
		t.Errorf("the head: %d, %v", head, err)
	}
	waited := make(chan error)
	go func() {
		_, err := r.WaitFor(t.Context(), 1<<40)
		waited <- err
	}()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("a wait until the end: %v", err)
	}
	if _, err := r.Snapshot(t.Context(), Consistency{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a read after the end: %v", err)
	}
	if _, err := r.Propose(t.Context(), Proposal{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a write after the end: %v", err)
	}
	if err := r.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// TestStopped has the log hold an entry of a newer version: the node stops, says
// so, and does not start again with this version.
func TestStopped(t *testing.T) {
	config := Config{Dir: t.TempDir()}
	r := open(t, config)
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	if s := r.Status(); !s.Ready || !s.Leader || s.Err != nil || s.Applied == 0 {
		t.Errorf("status %+v", s)
	}
	if err := r.node.raft.Apply([]byte{maxFormat + 1}, 0).Error(); err != nil {
		t.Fatal(err)
	}
	<-r.Failed()
	var unavailable *UnavailableError
	if _, err := r.Snapshot(t.Context(), Consistency{}); !errors.As(err, &unavailable) {
		t.Errorf("a read: %v", err)
	}
	if _, err := r.Propose(t.Context(), Proposal{Tx: touch(t, "document:a#viewer@user:anne")}); !errors.As(err, &unavailable) {
		t.Errorf("a write: %v", err)
	}
	if s := r.Status(); s.Ready || s.Err == nil {
		t.Errorf("status %+v", s)
	}
	shut(t, r)
	if again, err := Open(t.Context(), config); err == nil {
		t.Error("it started again")
		shut(t, again)
	}
}

func TestTooLarge(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var large *TooLargeError
	tx := store.Transaction{Metadata: map[string]any{"text": string(make([]byte, maxCommand))}}
	if _, err := r.Propose(t.Context(), Proposal{Tx: tx}); !errors.As(err, &large) || large.Size <= large.Limit {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	half := Config{InMemory: true, Network: newEther().join("a:1"), Expect: 2, Join: []string{"b:1", "c:1", "d:1"}}
	for _, c := range []Config{half, {}, {Dir: t.TempDir(), InMemory: true}, {InMemory: true, MaxTokenWait: -1}, {InMemory: true, MaxImport: 2 * maxStaged}} {
		if r, err := Open(t.Context(), c); err == nil {
			t.Errorf("%+v was opened", c)
			shut(t, r)
		}
	}
}

// TestOldDirectory opens what a store without a log has written.
func TestOldDirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Config{Dir: dir, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var format *store.FormatError
	if _, err := Open(t.Context(), Config{Dir: dir}); !errors.As(err, &format) {
		t.Errorf("got %v", err)
	}
	dir = t.TempDir()
	shut(t, open(t, Config{Dir: dir}))
	if _, err := store.Open(store.Config{Dir: dir, MinFree: 1}); !errors.As(err, &format) {
		t.Errorf("the other way round: %v", err)
	}
}

func TestDirectoryInUse(t *testing.T) {
	config := Config{Dir: t.TempDir()}
	r := open(t, config)
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var inUse *store.DirectoryInUseError
	if _, err := Open(t.Context(), config); !errors.As(err, &inUse) {
		t.Errorf("got %v", err)
	}
}

// TestVerifyingAfterHandingOver: one that was told to take over may be elected
// while late answers to heartbeats still come in, so they prove nothing.
func TestVerifyingAfterHandingOver(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		leader := g.leader()
		read := func() (entries uint64) {
			t.Helper()
			before := leader.node.raft.LastIndex()
			sn, err := leader.Snapshot(t.Context(), Consistency{Mode: FullyConsistent})
			if err != nil {
				t.Fatal(err)
			}
			sn.Close()
			return leader.node.raft.LastIndex() - before
		}
		if n := read(); n != 0 {
			t.Errorf("a read appended %d entries", n)
		}
		if err := leader.node.link.TimeoutNow("x", "nowhere:1", &raft.TimeoutNowRequest{}, &raft.TimeoutNowResponse{}); err == nil {
			t.Error("nobody was told to take over")
		}
		if n := read(); n != 1 {
			t.Errorf("a read while another may take over appended %d entries", n)
		}
		pause(t.Context(), handedFor)
		if n := read(); n != 0 {
			t.Errorf("a read long after appended %d entries", n)
		}
		leader.node.term.Add(1)
		if _, err := leader.node.lead(); err == nil {
			t.Error("it leads in a term in which it was not established")
		}
	})
}
