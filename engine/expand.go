package engine

import (
	"context"

	"github.com/pemba-authz/pemba/schema"
)

// TreeOp is how the children of a tree make up its set.
type TreeOp uint8

const (
	TreeLeaf TreeOp = iota // the subjects of a relation, as they are stored
	TreeUnion
	TreeIntersection
	TreeExclusion // the first child without the others
)

// String returns "leaf", "union", "intersection" or "exclusion".
func (o TreeOp) String() string {
	return [...]string{"leaf", "union", "intersection", "exclusion"}[o]
}

// Tree shows what a set is made of.
type Tree struct {
	Resource Object // the set that is shown, or that the operator is part of
	Relation string
	Op       TreeOp
	Subjects []StoredSubject // leaves only, in the order of Subject.Compare
	Children []*Tree

	// Via is the relationship along which the tree was reached, by an arrow or,
	// in a recursive expansion, by a userset; nil where none was followed.
	Via *Relationship
	// Repeated is whether the set is already being expanded above: its subjects
	// are there.
	Repeated bool
}

// StoredSubject is a subject of a relation, with what its relationship carries.
type StoredSubject struct {
	Subject Subject
	Trait   *Trait // nil when it carries neither caveat nor expiration
}

// Expand returns what resource#relation is made of: permissions down to the
// relations, relations as their stored subjects, usersets as themselves.
// If recursive, usersets are expanded too. Caveats are shown, not evaluated;
// expired relationships are left out. A cycle is shown once. Errors are those
// of Check; a set that lies deeper than the limit is a *DepthError.
func (e *Engine) Expand(ctx context.Context, resource Object, relation string, recursive bool) (*Tree, error) {
	r, err := e.question(ctx, resource, relation, Subject{Object: resource})
	if err != nil {
		return nil, err
	}
	w := e.walk(ctx, Subject{})
	defer w.release()
	x := &expansion{walk: w, recursive: recursive, open: map[node]bool{}}
	return x.set(node{r, resource.ID}, 0)
}

type expansion struct {
	walk      *walk
	recursive bool
	open      map[node]bool // on the way from the root
	nodes     int           // of the tree, as far as it is built
}

func (x *expansion) set(n node, hops int) (*Tree, error) {
	if hops > x.walk.limits.Depth {
		return nil, &DepthError{Limit: x.walk.limits.Depth}
	}
	if x.nodes++; x.nodes > x.walk.limits.Candidates {
		return nil, &LimitError{What: "nodes of an expansion", Limit: int64(x.walk.limits.Candidates)}
	}
	t := &Tree{Resource: n.object(), Relation: n.relation.Name}
	if x.open[n] {
		t.Repeated = true
		return t, nil
	}
	x.open[n] = true
	defer delete(x.open, n)
	if n.relation.IsPermission() {
		return x.expr(n.relation.Expr, n, hops)
	}
	return t, x.relation(t, n, hops)
}

// relation fills t with the subjects of a relation.
func (x *expansion) relation(t *Tree, n node, hops int) error {
	var usersets []*Tree
	for i, a := range n.relation.Allowed {
		if a.Wildcard && plainToo(n.relation.Allowed, a.Type) || !firstOfKind(n.relation.Allowed, i) {
			continue // the wildcard is among the objects of its type
		}
		err := x.subjects(n, a, func(s StoredSubject) error {
			t.Subjects = append(t.Subjects, s)
			if a.Relation == nil || !x.recursive {
				return nil
			}
			child, err := x.set(node{a.Relation, s.Subject.ID}, hops+1)
			if err != nil {
				return err
			}
			child.Via = &Relationship{Resource: t.Resource, Relation: t.Relation, Subject: s.Subject, Trait: s.Trait}
			usersets = append(usersets, child)
			return nil
		})
		if err != nil {
			return err
		}
	}
	sortStored(t.Subjects)
	if len(usersets) > 0 {
		leaf := &Tree{Resource: t.Resource, Relation: t.Relation, Subjects: t.Subjects}
		t.Op, t.Subjects, t.Children = TreeUnion, nil, append([]*Tree{leaf}, usersets...)
	}
	return nil
}

// plainToo reports whether objects of the type are allowed besides its wildcard.
func plainToo(allowed []*schema.Allowed, t *schema.Type) bool {
	for _, a := range allowed {
		if a.Type == t && a.Relation == nil && !a.Wildcard {
			return true
		}
	}
	return false
}

// subjects calls f with the subjects of one kind that exist now.
func (x *expansion) subjects(n node, a *schema.Allowed, f func(StoredSubject) error) error {
	subject := Subject{Object: Object{Type: a.Type.Name}}
	if a.Relation != nil {
		subject.Relation = a.Relation.Name
	}
	for more := true; more; {
		if err := x.walk.count(); err != nil {
			return err
		}
		var page []Entry
		var err error
		page, more, err = x.walk.engine.Reader.Subjects(n.object(), n.relation.Name, subject.Type, subject.Relation, subject.ID)
		if err != nil {
			return err
		}
		for _, e := range page {
			subject.ID = e.ID
			if e.Trait.expired(x.walk.engine.Now) {
				continue
			}
			if err := f(StoredSubject{subject, e.Trait}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *expansion) expr(expr schema.Expr, n node, hops int) (*Tree, error) {
	t := &Tree{Resource: n.object(), Relation: n.relation.Name, Op: TreeUnion}
	var operands []schema.Expr
	switch expr := expr.(type) {
	case *schema.Ref:
		child, err := x.set(node{expr.Relation, n.id}, hops)
		t.Children = []*Tree{child}
		return t, err
	case *schema.ArrowExpr:
		if expr.All {
			t.Op = TreeIntersection
		}
		return t, x.arrow(t, expr, n, hops)
	case *schema.Union:
		operands = expr.Of
	case *schema.Intersection:
		t.Op, operands = TreeIntersection, expr.Of
	case *schema.Exclusion:
		t.Op, operands = TreeExclusion, []schema.Expr{expr.Base, expr.Minus}
	case *schema.Self:
		t.Op, t.Subjects = TreeLeaf, []StoredSubject{{Subject: Subject{Object: n.object()}}}
		return t, nil
	case *schema.Nil:
		t.Op = TreeLeaf
		return t, nil
	}
	for _, operand := range operands {
		child, err := x.operand(operand, n, hops)
		if err != nil {
			return nil, err
		}
		t.Children = append(t.Children, child)
	}
	return t, nil
}

// operand expands one operand: a name stands for its own set, without a node
// around it.
func (x *expansion) operand(expr schema.Expr, n node, hops int) (*Tree, error) {
	if ref, ok := expr.(*schema.Ref); ok {
		return x.set(node{ref.Relation, n.id}, hops)
	}
	return x.expr(expr, n, hops)
}

// arrow fills t with the sets on the right of an arrow.
func (x *expansion) arrow(t *Tree, expr *schema.ArrowExpr, n node, hops int) error {
	left := node{expr.Left, n.id}
	for i, a := range expr.Left.Allowed {
		if !firstOfKind(expr.Left.Allowed, i) {
			continue
		}
		target := expr.Targets[i]
		err := x.subjects(left, a, func(s StoredSubject) error {
			via := &Relationship{Resource: n.object(), Relation: expr.Left.Name, Subject: s.Subject, Trait: s.Trait}
			if target == nil {
				if expr.All { // an object without the name denies
					t.Children = append(t.Children, &Tree{Resource: s.Subject.Object, Relation: expr.Right, Via: via})
				}
				return nil
			}
			child, err := x.set(node{target, s.Subject.ID}, hops+1)
			if err != nil {
				return err
			}
			child.Via = via
			t.Children = append(t.Children, child)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
