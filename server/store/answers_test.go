package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// answersSchema has groups in groups, and documents that are in folders.
const answersSchema = `definition user {}
definition group {
	relation direct: user | user:* | group#member
	relation barred: user
	permission member = direct - barred
}
definition folder {
	relation viewer: group#member
	permission view = viewer
}
definition document {
	relation folder: folder
	relation viewer: user
	permission view = viewer + folder->view
}`

// engineAt returns an engine over a snapshot of a revision, 0 for the head.
func engineAt(t testing.TB, s *Store, rev Revision) (*engine.Engine, *Snapshot) {
	t.Helper()
	sn := snapshot(t, s, rev)
	compiled, err := sn.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return &engine.Engine{Schema: compiled, Reader: sn, Now: testTime}, sn
}

// TestAnswersRace lets readers compare what they are answered, at the head and
// behind it, with a walk past all caches, while a writer changes what the
// answers rest on.
func TestAnswersRace(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := answersSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create,
		"document:d#folder@folder:f", "folder:f#viewer@group:g0#member", "group:g0#direct@group:g1#member", "group:g1#direct@group:g2#member")})
	changed := updates(t, Touch,
		"group:g0#direct@user:u1", "group:g1#direct@user:u2", "group:g2#direct@user:u3", "group:g2#direct@user:*", "group:g2#barred@user:u1",
		"group:g1#barred@user:u3", "document:d#viewer@user:u2", "group:g0#direct@group:g2#member", "group:g2#direct@group:g0#member",
		"folder:f#viewer@group:g1#member", "document:d#folder@folder:f")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() { answersReader(ctx, t, s, rand.New(rand.NewPCG(seed, 5))) })
	}
	random := rand.New(rand.NewPCG(1, 6))
	for range 1000 {
		u := changed[random.IntN(len(changed))]
		u.Op = []Op{Touch, Delete}[random.IntN(2)]
		if _, err := s.Apply(s.Head()+1, &Transaction{Time: testTime, Updates: []Update{u}}); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	wg.Wait()
	if st := s.Stats().Cache.Answers; st.Hits == 0 || st.Misses == 0 || st.Stale == 0 {
		t.Errorf("not everything happened: %+v", st)
	}
}

func answersReader(ctx context.Context, t *testing.T, s *Store, random *rand.Rand) {
	objects := []engine.Object{{Type: "document", ID: "d"}, {Type: "folder", ID: "f"}, {Type: "group", ID: "g0"}, {Type: "group", ID: "g1"}}
	for ctx.Err() == nil {
		sn, err := s.Snapshot(max(2, s.Head()) - Revision(random.Uint64N(3)))
		var future *FutureRevisionError
		if errors.As(err, &future) {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		compiled, err := sn.Schema()
		if err != nil {
			t.Error(err)
		}
		kept := engine.Engine{Schema: compiled, Reader: sn, Now: testTime}
		walked := kept
		walked.Reader = stateReader{sn.view}
		for range 6 {
			resource := objects[random.IntN(len(objects))]
			permission := "view"
			if resource.Type == "group" {
				permission = "member"
			}
			subject := engine.Subject{Object: engine.Object{Type: "user", ID: fmt.Sprintf("u%d", random.IntN(4))}}
			got, err := kept.Check(context.Background(), resource, permission, subject)
			want, walkErr := walked.Check(context.Background(), resource, permission, subject)
			if err != nil || walkErr != nil || got.State != want.State {
				t.Errorf("%s#%s@%s at %d: %s, walked %s (%v, %v)", resource, permission, subject, sn.Revision(), got.State, want.State, err, walkErr)
			}
		}
		sn.Close()
	}
}

// TestAnswersRestOnLittle demands that an answer outlives changes of what it
// does not rest on, in the very sets that it was found in, and no other ones.
func TestAnswersRestOnLittle(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := answersSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "folder:f#viewer@group:g#member", "group:g#direct@group:k#member", "group:k#direct@user:anne", "group:g#barred@user:eve")})
	ask := func() int {
		e, _ := engineAt(t, s, 0)
		a, err := e.Check(t.Context(), engine.Object{Type: "folder", ID: "f"}, "view", engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}})
		if err != nil || a.State != engine.Yes {
			t.Error(a, err)
		}
		return a.Reads - a.Recalls
	}
	first := ask()
	for _, step := range []struct {
		write string
		reads int
	}{
		{"group:h#direct@user:anne", 0},
		{"group:g#direct@user:bob", 0},
		{"group:g#barred@user:bob", 0},
		{"document:d#viewer@user:anne", 0},
		{"folder:f#viewer@group:h#member", 1}, // of the folder's groups; what is known of the first one holds
		{"group:k#direct@user:anne", first},
	} {
		apply(t, s, &Transaction{Updates: updates(t, Touch, step.write)})
		if step.reads == first { // unchanged by the touch: delete and create it
			apply(t, s, &Transaction{Updates: updates(t, Delete, step.write)})
			apply(t, s, &Transaction{Updates: updates(t, Create, step.write)})
		}
		if n := ask(); n != step.reads {
			t.Errorf("after %s: %d reads, want %d", step.write, n, step.reads)
		}
		if n := ask(); n != 0 {
			t.Errorf("asked again after %s: %d reads", step.write, n)
		}
	}
}

// TestAnswersBounded asks more questions than a small cache has room for, and a
// few of them again and again: those stay.
func TestAnswersBounded(t *testing.T) {
	const bytes = 2 << 20
	s := open(t, Config{InMemory: true, CacheBytes: bytes})
	text := answersSchema
	apply(t, s, &Transaction{Schema: &text})
	e, _ := engineAt(t, s, 0)
	recalls := 0
	ask := func(id string) {
		a, err := e.Check(t.Context(), engine.Object{Type: "group", ID: id}, "member", engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}})
		if err != nil || a.State != engine.No {
			t.Fatal(a, err)
		}
		recalls += a.Recalls
	}
	const rounds, often = 1000, 5
	for round := range rounds {
		for i := range often {
			ask(fmt.Sprintf("often%d", i))
		}
		for i := range 10 {
			ask(fmt.Sprintf("once%d_%d", round, i))
		}
	}
	st := s.Stats().Cache
	if st.Answers.Evictions == 0 || st.Answers.Bytes > bytes/answersShare || st.Bytes > bytes {
		t.Errorf("%+v", st)
	}
	if want := (rounds - 1) * often; recalls < want*9/10 {
		t.Errorf("%d of %d answers that are asked for all the time were recalled", recalls, want)
	}
}

// TestAnswersAfterStart opens a store again, which has noted nothing of what
// changed before, and asks at a revision before the head: that answer must not be
// taken for one of the head.
func TestAnswersAfterStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	text := answersSchema
	apply(t, s, &Transaction{Schema: &text})
	before := apply(t, s, &Transaction{Updates: updates(t, Create, "group:g#direct@user:eve")}).Revision
	apply(t, s, &Transaction{Updates: updates(t, Create, "group:g#direct@user:anne")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	for _, step := range []struct {
		rev     Revision
		want    engine.State
		recalls int
	}{
		{before, engine.No, 0},
		{before, engine.No, 0}, // nothing that is older than the start is kept
		{0, engine.Yes, 0},
		{0, engine.Yes, 1},
		{before, engine.No, 0},
	} {
		e, _ := engineAt(t, s, step.rev)
		a, err := e.Check(t.Context(), engine.Object{Type: "group", ID: "g"}, "member", engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}})
		if err != nil || a.State != step.want || a.Recalls != step.recalls {
			t.Errorf("at %d: %s with %d recalls (%v), want %s with %d", step.rev, a.State, a.Recalls, err, step.want, step.recalls)
		}
	}
}

// TestAnswersOfOtherSchemas demands that no answer outlives its schema.
func TestAnswersOfOtherSchemas(t *testing.T) {
	s := open(t, Config{InMemory: true})
	with, without := answersSchema, answersSchema+"\ndefinition more {}"
	apply(t, s, &Transaction{Schema: &with})
	apply(t, s, &Transaction{Updates: updates(t, Create, "group:g#direct@user:anne")})
	ask := func() engine.Answer {
		e, _ := engineAt(t, s, 0)
		a, err := e.Check(t.Context(), engine.Object{Type: "group", ID: "g"}, "member", engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}})
		if err != nil || a.State != engine.Yes {
			t.Error(a, err)
		}
		return a
	}
	if ask(); ask().Recalls != 1 {
		t.Error("the answer is not recalled")
	}
	tables := s.db().cache.answers.fixed
	apply(t, s, &Transaction{Schema: &without})
	if st := s.Stats().Cache.Answers; st.Bytes != uint64(tables) {
		t.Errorf("%d bytes of answers are kept after the schema changed, and %d are the tables'", st.Bytes, tables)
	}
	if a := ask(); a.Recalls != 0 {
		t.Error("an answer of another schema is recalled")
	}
}

// TestAnswersAllocate demands that recalling an answer allocates nothing.
func TestAnswersAllocate(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := answersSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "folder:f#viewer@group:g#member", "group:g#direct@user:anne")})
	e, sn := engineAt(t, s, 0)
	folder, anne := engine.Object{Type: "folder", ID: "f"}, engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}}
	if a, err := e.Check(t.Context(), folder, "view", anne); err != nil || a.State != engine.Yes {
		t.Fatal(a, err)
	}
	view := e.Schema.Relation("folder", "view")
	n := testing.AllocsPerRun(100, func() {
		k := sn.Keeper()
		if kept, ok := k.Recall(view, "f", &anne, k.Mark(&anne)); !ok || !kept.Yes {
			t.Error(kept, ok)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
