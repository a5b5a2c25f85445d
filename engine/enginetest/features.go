package enginetest

import "github.com/pemba-authz/pemba/schema/syntax"

// Features returns what random worlds must have often enough, see Reference.Features.
func Features() []string {
	return []string{
		"union", "intersection", "exclusion", "nil", "self", "arrow", "any", "all",
		"wildcard", "caveat", "expiration", "userset", "cycle",
	}
}

// Features returns which of the features the questions touch: those in the
// sets that any of them depends on.
func (r *Reference) Features(questions []Question) map[string]bool {
	found := map[string]bool{}
	seen := make([]bool, len(r.nodes))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		r.touch(i, found)
		for _, l := range r.links[i] {
			visit(l.to)
		}
	}
	for _, q := range questions {
		if i, ok := r.index[node{q.Resource, q.Relation}]; ok {
			visit(i)
		}
	}
	return found
}

// touch adds the features of one set.
func (r *Reference) touch(i int, found map[string]bool) {
	n := r.nodes[i]
	for _, l := range r.links[i] {
		if l.stored && r.in[l.to] == r.in[i] {
			found["cycle"] = true
		}
	}
	r.touchFacts(n, found)
	p, ok := r.types[n.object.Type][n.relation].(*syntax.Permission)
	if !ok {
		return
	}
	var visit func(x syntax.Expr)
	visit = func(x syntax.Expr) {
		switch x := x.(type) {
		case *syntax.Nil:
			found["nil"] = true
		case *syntax.Self:
			found["self"] = true
		case *syntax.Paren:
			visit(x.X)
		case *syntax.Arrow:
			left := node{n.object, x.Left.Name}
			if len(r.facts[left]) > 0 {
				found[[...]string{"arrow", "any", "all"}[x.Op]] = true
			}
			r.touchFacts(left, found)
		case *syntax.Binary:
			found[map[byte]string{'+': "union", '&': "intersection", '-': "exclusion"}[x.Op]] = true
			visit(x.X)
			visit(x.Y)
		}
	}
	visit(p.Expr)
}

func (r *Reference) touchFacts(n node, found map[string]bool) {
	mark := func(feature string, has bool) {
		if has {
			found[feature] = true
		}
	}
	mark("expiration", r.expires[n])
	for _, f := range r.facts[n] {
		mark("wildcard", f.subject.IsWildcard())
		mark("userset", f.subject.Relation != "")
		mark("caveat", f.trait != nil && f.trait.Caveat != "")
	}
}
