package replica

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/server/store"
)

// TestOrigins numbers proposals that end in any order: what is settled is below
// all that are waited for, and as high as it can be.
func TestOrigins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrigins()
		waiting := map[uint64]bool{}
		last := uint64(0)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if len(waiting) > 0 && rapid.Bool().Draw(rt, "end") {
				var open []uint64
				for n := range last {
					if waiting[n+1] {
						open = append(open, n+1)
					}
				}
				n := rapid.SampledFrom(open).Draw(rt, "which")
				delete(waiting, n)
				o.done(n)
			}
			next := o.next()
			last++
			want := last - 1
			for n := range waiting {
				want = min(want, n-1)
			}
			waiting[last] = true
			if next.session != o.session || next.sequence != last || next.settled != want {
				rt.Fatalf("%+v, want sequence %d and settled %d", next, last, want)
			}
		}
	})
}

// TestRepeated enters proposals again: each is applied once, also after the state
// was written and read back.
func TestRepeated(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	create := func(sequence, settled uint64, text string) *command {
		tx := store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(t, text)}}}
		return &command{kind: kindTransaction, origin: origin{5, sequence, settled}, tx: tx}
	}
	first := b.enter(create(1, 0, "document:a#viewer@user:anne"))
	refused := b.enter(create(2, 0, "document:a#viewer@user:anne"))
	if first.refusal != nil || refused.refusal == nil {
		t.Fatal(first.refusal, refused.refusal)
	}
	snapshot := b.snapshot()
	s, _, err := decodeState(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	b.m.state = s
	if again := b.snapshot(); !bytes.Equal(again, snapshot) {
		t.Errorf("the state changes when it is written and read: %x, %x", snapshot, again)
	}
	if again := b.enter(create(1, 0, "document:a#viewer@user:anne")); again.refusal != nil || !reflect.DeepEqual(again.outcome, first.outcome) {
		t.Errorf("the repeat came to %+v, the first to %+v", again, first)
	}
	if again := b.enter(create(2, 0, "document:a#viewer@user:anne")); again.refusal == nil || again.refusal.Error() != refused.refusal.Error() {
		t.Errorf("the repeat of a refusal came to %+v", again)
	}
	b.enter(create(4, 3, "document:b#viewer@user:anne"))
	if late := b.enter(create(3, 0, "document:c#viewer@user:anne")); late.refusal != errSettled || b.has("document:c#viewer@user:anne") {
		t.Errorf("one that was given up came to %+v", late)
	}
	if n := len(b.m.state.sessions[5].outcomes); n != 1 {
		t.Errorf("%d outcomes are kept", n)
	}
	b.now += sessionAge.Milliseconds()
	for session := uint64(6); session < 6+fewSessions; session++ {
		if b.m.state.sessions[5] == nil {
			t.Fatalf("one of %d sessions is forgotten", session-5)
		}
		other := create(1, 0, fmt.Sprintf("document:d%d#viewer@user:anne", session))
		other.origin.session = session
		b.enter(other)
	}
	if n := len(b.m.state.sessions); n != fewSessions || b.m.state.sessions[5] != nil {
		t.Errorf("%d sessions are kept, the one that was long silent: %v", n, b.m.state.sessions[5] != nil)
	}
}

// TestAnswerLost has the leader apply what a follower proposes, and its answer
// lost: the follower proposes it again, and it is applied once.
func TestAnswerLost(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		leader, follower := g.leader(), g.follower()
		// By the follower, so that it has the schema and does not have to ask, before
		// it proposes, whether its lack of one counts.
		propose(t, follower, Proposal{Tx: schemaOf(testSchema)})
		from, to := leader.config.Network.Address(), follower.config.Network.Address()
		g.ether.cutCalls(from, to, true) // answers, not the log
		before := follower.Status().Forwarded
		var result Result
		var err error
		proposed := make(chan struct{})
		go func() {
			defer close(proposed)
			create := store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(t, "document:a#viewer@user:anne")}}}
			result, err = follower.Propose(t.Context(), Proposal{Tx: create})
		}()
		g.until("it is proposed again", func() bool { return follower.Status().Forwarded >= before+2 })
		g.ether.cutCalls(from, to, false)
		if <-proposed; err != nil || result.Created != 1 {
			t.Errorf("%+v, %v", result, err)
		}
		imported := follower.Import()
		if err := imported.Add(t.Context(), relationship(t, "document:b#viewer@user:anne")); err != nil {
			t.Fatal(err)
		}
		if result, err := imported.Commit(t.Context(), Proposal{}); err != nil || result.Created != 1 {
			t.Errorf("%+v, %v", result, err)
		}
		g.same()
	})
}

// TestFirstFormat opens a directory of before there were several members: it goes
// on under its id, at the first version until all members know the second.
func TestFirstFormat(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		c := g.config("n1", 0)
		c.foundVersion = 1
		r := g.open(c)
		if r.version() != 1 {
			t.Errorf("version %d", r.version())
		}
		wrote := propose(t, r, Proposal{Tx: schemaOf(testSchema)})
		if len(r.machine.state.sessions) > 0 {
			t.Error("the first version has sessions")
		}
		record := Proposal{Tx: store.Transaction{Records: []store.ChainRecord{{Chain: "audit", Value: []byte("1")}}}}
		var refused *ClusterError
		if _, err := r.Propose(t.Context(), record); !errors.As(err, &refused) || !strings.Contains(err.Error(), "version 3") {
			t.Errorf("a record in the first version: %v", err)
		}
		g.until("the version is raised", func() bool { return r.version() == maxFormat })
		g.shut(r)
		r = g.again(r)
		if r.version() != maxFormat || r.Head() < wrote.Revision {
			t.Errorf("version %d, head %d", r.version(), r.Head())
		}
		propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		if made := propose(t, r, record); !slices.Equal(made.Records, []uint64{1}) {
			t.Errorf("the first record has the numbers %d", made.Records)
		}
		second := g.open(g.config("n2", 0, "n1:1"))
		g.until("it votes", func() bool { return second.node.voters() == 2 })
		g.same()
		g.shut(second)
		if err := os.Remove(filepath.Join(second.config.Dir, raftDir, idFile)); err != nil {
			t.Fatal(err)
		}
		if second = g.again(second); second.id != firstID {
			t.Errorf("a directory without an id is of %s", second.id)
		}
	})
}
