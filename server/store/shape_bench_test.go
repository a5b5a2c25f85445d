package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

const shapeSchema = `definition user {}
definition group {
	relation member: user | group#member
}
definition folder {
	relation parent: folder
	relation viewer: user | group#member
	permission view = viewer + parent->view
}`

// shape is relationships of one form, a question about them, and its size.
type shape struct {
	name          string
	relationships []string
	ask           string
}

// shapes are chains of folders, folders with many parents, chains of groups,
// rings of groups, and groups that all contain each other. Each is asked for
// the member at the far end, and for somebody who is nowhere.
func shapes() []shape {
	var all []shape
	add := func(name string, rels []string, resource string) {
		all = append(all,
			shape{name + "/yes", rels, resource + "@user:in"},
			shape{name + "/no", rels, resource + "@user:out"})
	}
	for _, n := range []int{1, 10, 40} {
		rels := []string{fmt.Sprintf("folder:depth%d_%d#viewer@user:in", n, n)}
		for i := range n {
			rels = append(rels, fmt.Sprintf("folder:depth%d_%d#parent@folder:depth%d_%d", n, i, n, i+1))
		}
		add(fmt.Sprintf("depth=%d", n), rels, fmt.Sprintf("folder:depth%d_0#view", n))
	}
	for _, n := range []int{10, 100, 1000} {
		var rels []string
		for i := range n {
			rels = append(rels, fmt.Sprintf("folder:width%d#parent@folder:width%d_%04d", n, n, i))
		}
		rels = append(rels, fmt.Sprintf("folder:width%d_%04d#viewer@user:in", n, n-1))
		add(fmt.Sprintf("width=%d", n), rels, fmt.Sprintf("folder:width%d#view", n))
	}
	groups := func(kind string, n int, links func(i int) []int) {
		rels := []string{
			fmt.Sprintf("group:%s%d_%d#member@user:in", kind, n, n-1),
			fmt.Sprintf("folder:%s%d#viewer@group:%s%d_0#member", kind, n, kind, n),
		}
		for i := range n {
			for _, k := range links(i) {
				rels = append(rels, fmt.Sprintf("group:%s%d_%d#member@group:%s%d_%d#member", kind, n, i, kind, n, k))
			}
		}
		add(fmt.Sprintf("%s=%d", kind, n), rels, fmt.Sprintf("folder:%s%d#view", kind, n))
	}
	for _, n := range []int{2, 10, 40} {
		groups("nesting", n, func(i int) []int {
			if i == n-1 {
				return nil
			}
			return []int{i + 1}
		})
		groups("ring", n, func(i int) []int { return []int{(i + 1) % n} })
		groups("clique", n, func(int) []int {
			every := make([]int, n)
			for k := range every {
				every[k] = k
			}
			return every
		})
	}
	return all
}

// BenchmarkShape measures checks by the shape of what they walk, with the cache
// warm and without one.
func BenchmarkShape(b *testing.B) {
	for name, cache := range map[string]int64{"warm": 64 << 20, "cold": -1} {
		s := open(b, Config{InMemory: true, CacheBytes: cache})
		text := shapeSchema
		apply(b, s, &Transaction{Schema: &text})
		for _, sh := range shapes() {
			var us []Update
			for _, r := range sh.relationships {
				us = append(us, Update{Touch, parse(b, r)})
			}
			apply(b, s, &Transaction{Updates: us})
		}
		sn, err := s.Snapshot(0)
		if err != nil {
			b.Fatal(err)
		}
		defer sn.Close()
		compiled, err := sn.Schema()
		if err != nil {
			b.Fatal(err)
		}
		e := &engine.Engine{Schema: compiled, Reader: sn, Now: testTime}
		for _, sh := range shapes() {
			q := parse(b, sh.ask)
			b.Run(name+"/"+sh.name, func(b *testing.B) {
				b.ReportAllocs()
				var a engine.Answer
				for b.Loop() {
					if a, err = e.Check(context.Background(), q.Resource, q.Relation, q.Subject); err != nil {
						b.Fatal(err)
					}
				}
				if want := q.Subject.ID == "in"; want != (a.State == engine.Yes) {
					b.Fatalf("%s: %v", sh.ask, a.State)
				}
				b.ReportMetric(float64(a.Reads), "reads/op")
			})
		}
	}
}
