package server

import (
	"errors"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

func TestStuck(t *testing.T) {
	if err := stuck(applyStuck); err != nil {
		t.Error(err)
	}
	if err := stuck(applyStuck + time.Second); err == nil {
		t.Error("entries that take too long to apply are no fault")
	}
}

func TestCompareHashes(t *testing.T) {
	one, other := store.Hash{1, 2}, store.Hash{1, 3}
	silent := replica.MemberHash{ID: "c", Revision: 7, Err: errors.New("it does not answer")}
	for _, c := range []struct {
		name   string
		hashes []replica.MemberHash
		differ bool
	}{
		{"nobody", nil, false},
		{"the same", []replica.MemberHash{{ID: "a", Revision: 7, Hash: one}, {ID: "b", Revision: 7, Hash: one}}, false},
		{"different", []replica.MemberHash{{ID: "a", Revision: 7, Hash: one}, {ID: "b", Revision: 7, Hash: other}}, true},
		{"the last is different", []replica.MemberHash{{ID: "a", Revision: 7, Hash: one}, {ID: "b", Revision: 7, Hash: one}, {ID: "d", Revision: 7, Hash: other}}, true},
		{"other revisions", []replica.MemberHash{{ID: "a", Revision: 7, Hash: one}, {ID: "b", Revision: 8, Hash: other}}, false},
		{"one without", []replica.MemberHash{{ID: "a", Revision: 7, Hash: one}, silent}, false},
	} {
		resp := compareHashes(c.hashes)
		if resp.GetDiffer() != c.differ || len(resp.GetHashes()) != len(c.hashes) {
			t.Errorf("%s: %v", c.name, resp)
		}
	}
	if m := compareHashes([]replica.MemberHash{silent}).GetHashes()[0]; m.GetHash() != "" || m.GetReason() != "it does not answer" {
		t.Errorf("one without: %v", m)
	}
}
