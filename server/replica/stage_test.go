package replica

import (
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/server/store"
)

func TestStagedImport(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	b.must(touch(t, "document:old#viewer@user:anne"))
	stage := func(id uint64, part int, texts ...string) *applied {
		c := &command{kind: kindStage, stage: id, part: part}
		for _, text := range texts {
			c.updates = append(c.updates, relationship(t, text))
		}
		return b.enter(c)
	}
	commit := func(id uint64, parts int) *applied {
		return b.enter(&command{kind: kindImport, stage: id, part: parts, tx: store.Transaction{Actor: "anne"}})
	}
	head := b.m.store.Head()
	stage(1, 0, "document:a#viewer@user:anne")
	stage(1, 1, "document:b#viewer@user:anne")
	stage(2, 0, "document:old#viewer@user:anne", "document:c#viewer@user:anne")
	stage(3, 0, "document:d#viewer@user:anne")
	if b.m.store.Head() != head || b.has("document:a#viewer@user:anne") {
		t.Error("a stage can be seen")
	}
	s, _, err := decodeState(b.snapshot())
	if err != nil || s.stages.total != b.m.state.stages.total {
		t.Fatal(s, err)
	}
	b.m.state = s // as after a restart
	if a := commit(1, 2); a.refusal != nil || a.outcome.Created != 2 || uint64(a.outcome.Revision) != b.index {
		t.Errorf("commit: %+v", a)
	}
	var exists *store.AlreadyExistsError
	if a := commit(2, 1); !errors.As(a.refusal, &exists) || b.has("document:c#viewer@user:anne") {
		t.Errorf("commit of one that exists: %+v", a)
	}
	var lost *ImportLostError
	for name, a := range map[string]*applied{
		"committed before": commit(1, 2), "refused before": commit(2, 1), "a part is missing": commit(3, 2),
		"it begins in the middle": stage(4, 1, "document:e#viewer@user:anne"),
	} {
		if !errors.As(a.refusal, &lost) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	stage(5, 0, "document:f#viewer@user:anne")
	if ids := b.m.state.stages.abandoned(b.now + 1); len(ids) != 1 || ids[0] != 5 {
		t.Errorf("abandoned: %v", ids)
	}
	b.enter(&command{kind: kindDrop, drops: []uint64{5, 6}})
	if n := b.m.state.stages.total; n != 0 {
		t.Errorf("%d relationships are still staged", n)
	}
}
