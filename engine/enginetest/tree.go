package enginetest

import "github.com/pemba-authz/pemba/engine"

// Tree answers whether a subject is in the set that an expansion shows, by the
// algebra of the tree. It accepts trees of both kinds: a userset whose set is
// not in the tree is looked up.
//
// A repeated set counts as empty there: what a set holds can be derived without
// coming back to it on the way.
func (r *Reference) Tree(t *engine.Tree, recursive bool, subject engine.Subject) Outcome {
	return r.treeSet(t, nil, recursive, subject)
}

// treeSet is the value of a tree below another, under the caveat on the way.
func (r *Reference) treeSet(t, above *engine.Tree, recursive bool, subject engine.Subject) Outcome {
	v := r.treeExpr(t, recursive, subject)
	root := above == nil || above.Resource != t.Resource || above.Relation != t.Relation
	if n := (node{t.Resource, t.Relation}); root && r.has(n) && subject.Object == t.Resource && subject.Relation == t.Relation {
		v = Yes
	}
	if t.Via != nil {
		v = min(v, r.caveatOf(*t.Via))
	}
	return v
}

func (r *Reference) treeExpr(t *engine.Tree, recursive bool, subject engine.Subject) Outcome {
	v := No
	if t.Op == engine.TreeLeaf {
		for _, s := range t.Subjects {
			v = max(v, min(r.caveatOf(engine.Relationship{Resource: t.Resource, Relation: t.Relation, Subject: s.Subject, Trait: s.Trait}),
				r.leaf(s.Subject, recursive, subject)))
		}
		return v
	}
	for i, child := range t.Children {
		c := r.treeSet(child, t, recursive, subject)
		switch {
		case i == 0:
			v = c
		case t.Op == engine.TreeUnion:
			v = max(v, c)
		case t.Op == engine.TreeIntersection:
			v = min(v, c)
		default:
			v = min(v, not(c))
		}
	}
	return v
}

// leaf answers whether a stored subject is or holds the subject.
func (r *Reference) leaf(stored engine.Subject, recursive bool, subject engine.Subject) Outcome {
	switch {
	case stored.IsWildcard():
		return truth(subject.Relation == "" && subject.Type == stored.Type)
	case stored.Relation != "" && !recursive:
		return r.Check(stored.Object, stored.Relation, subject)
	}
	return truth(stored == subject)
}

// caveatOf returns what the caveat of a relationship of the world says.
func (r *Reference) caveatOf(rel engine.Relationship) Outcome {
	if rel.Trait == nil || rel.Trait.Caveat == "" {
		return Yes
	}
	for _, f := range r.facts[node{rel.Resource, rel.Relation}] {
		if f.subject == rel.Subject {
			return f.caveat
		}
	}
	return No
}
