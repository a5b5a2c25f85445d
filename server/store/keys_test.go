package store

import (
	"bytes"
	"cmp"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// relationshipOf makes a relationship of any six strings, as far as they could
// be names and ids: without zero bytes.
func relationshipOf(parts ...string) engine.Relationship {
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", "")
	}
	return engine.Relationship{
		Resource: engine.Object{Type: parts[0], ID: parts[1]}, Relation: parts[2],
		Subject: engine.Subject{Object: engine.Object{Type: parts[3], ID: parts[4]}, Relation: parts[5]},
	}
}

// FuzzKeys demands of any two relationships that their keys give them back and
// sort as they do.
func FuzzKeys(f *testing.F) {
	f.Add("document", "a", "viewer", "user", "anne", "", "document", "a", "viewer", "user", "anne", "member")
	f.Add("document", "a", "viewer", "user", "*", "", "document", "a|", "viewer", "user", "+", "")
	f.Add("a", "", "", "", "", "", "a", "\x01", "", "", "", "\xff")
	f.Fuzz(func(t *testing.T, a, b, c, d, e, f, g, h, i, j, k, l string) {
		r, o := relationshipOf(a, b, c, d, e, f), relationshipOf(g, h, i, j, k, l)
		forward, reverse := forwardKey(nil, &r), reverseKey(nil, &r)
		if got, err := splitForward(forward); err != nil || got != r {
			t.Errorf("forward key of %v gives %v, %v", r, got, err)
		}
		if got, err := splitReverse(reverse); err != nil || got != r {
			t.Errorf("reverse key of %v gives %v, %v", r, got, err)
		}
		if got, want := bytes.Compare(forward, forwardKey(nil, &o)), r.Compare(o); got != want {
			t.Errorf("forward keys of %v and %v compare %d, they %d", r, o, got, want)
		}
		want := cmp.Or(cmp.Compare(r.Subject.Type, o.Subject.Type), cmp.Compare(r.Subject.ID, o.Subject.ID),
			cmp.Compare(r.Subject.Relation, o.Subject.Relation), cmp.Compare(r.Resource.Type, o.Resource.Type),
			cmp.Compare(r.Relation, o.Relation), cmp.Compare(r.Resource.ID, o.Resource.ID))
		if got := bytes.Compare(reverse, reverseKey(nil, &o)); got != want {
			t.Errorf("reverse keys of %v and %v compare %d, they %d", r, o, got, want)
		}
	})
}

// FuzzSplit demands that no bytes make the readers of keys and values panic, and
// that what they accept is written back the same.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("fdocument\x00a\x00viewer\x00user\x00\x00anne"))
	f.Add([]byte("ruser\x00anne\x00\x00document\x00viewer\x00a"))
	f.Add([]byte("f\x00\x00\x00\x00"))
	f.Add([]byte("c\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"))
	f.Add([]byte{1, 0, 0, 2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := splitForward(b); err == nil && !bytes.Equal(forwardKey(nil, &r), b) {
			t.Errorf("%q is read as %v", b, r)
		}
		if r, err := splitReverse(b); err == nil && !bytes.Equal(reverseKey(nil, &r), b) {
			t.Errorf("%q is read as %v", b, r)
		}
		if table, rev, chunk, err := splitChunk(b); err == nil && !bytes.Equal(chunkKey(table, rev, chunk), b) {
			t.Errorf("%q is read as %q %d %d", b, table, rev, chunk)
		}
		if key, err := splitDocument(b); err == nil && !bytes.Equal(documentKey(key), b) {
			t.Errorf("%q is read as %q", b, key)
		}
		if trait, err := decodeTrait(b); err == nil {
			if _, err := encodeTrait(trait); err != nil {
				t.Errorf("%q is read as %v, which cannot be written: %v", b, trait, err)
			}
		}
		if s, err := decodeState(b); err == nil && s == nil {
			t.Error("a state without a fault is nil")
		}
		if r, err := decodeRecord(1, b); err == nil && r == nil {
			t.Error("a record without a fault is nil")
		}
	})
}

// TestPlanFilter demands that the part of the index that a filter is planned to
// read holds what it selects.
func TestPlanFilter(t *testing.T) {
	member := "member"
	none := ""
	r := engine.Relationship{
		Resource: engine.Object{Type: "document", ID: "a"}, Relation: "viewer",
		Subject: engine.Subject{Object: engine.Object{Type: "group", ID: "g"}, Relation: "member"},
	}
	pick := func(bits, bit int, s string) string {
		if bits&bit != 0 {
			return s
		}
		return ""
	}
	for bits := range 1 << 8 {
		f := Filter{
			ResourceType: pick(bits, 1, "document"), ResourceID: pick(bits, 2, "a"), Relation: pick(bits, 4, "viewer"),
			Subject: &SubjectFilter{Type: pick(bits, 8, "group"), ID: pick(bits, 16, "g")},
		}
		if bits&32 != 0 {
			f.Subject.Relation = &member
		}
		if bits&64 != 0 {
			f.Subject.Relation = &none
		}
		if bits&128 != 0 && f.ResourceID == "" {
			f.ResourceIDPrefix = "a"
		}
		p := planFilter(&f)
		if !f.Matches(&r) {
			continue
		}
		if key := p.key(nil, &r); !bytes.HasPrefix(key, p.prefix) {
			t.Errorf("%s: %q does not begin with %q", f, key, p.prefix)
		}
		if got := p.skip(&r); got != nil {
			t.Errorf("%s: skips what it selects, to %q", f, got)
		}
	}
}
