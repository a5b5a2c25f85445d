package schema

import (
	"slices"
	"strings"
)

// ChangeKind is what differs between two schemas.
type ChangeKind uint8

const (
	DefinitionAdded ChangeKind = iota
	DefinitionRemoved
	DefinitionDocChanged
	RelationAdded
	RelationRemoved
	RelationDocChanged
	SubjectTypeAdded
	SubjectTypeRemoved
	PermissionAdded
	PermissionRemoved
	PermissionDocChanged
	PermissionExprChanged
	ConstraintAdded
	ConstraintRemoved
	ConstraintChanged
	CaveatAdded
	CaveatRemoved
	CaveatDocChanged
	CaveatExprChanged
	ParameterAdded
	ParameterRemoved
	ParameterTypeChanged
)

// Change is one difference. The fields that its kind speaks of are set: what
// was removed is taken from the old schema, all else from the new one.
type Change struct {
	Kind       ChangeKind
	Type       *Type       // of all kinds about definitions and their members
	Relation   *Relation   // of the kinds about relations, subject types and permissions
	Allowed    *Allowed    // of the kinds about subject types
	Constraint *Constraint // of the kinds about constraints
	Caveat     *Caveat     // of the kinds about caveats and parameters
	Param      *Param      // of the kinds about parameters
	Before     string      // the old expression, constraint or parameter type, of what changed
}

// Diff tells how new differs from old, by meaning: layout, order, annotations
// and the partials that members came from do not count. Definitions come first,
// by name, each with its relations, permissions and constraints by name, then
// caveats. A definition or caveat that was added or removed is one change.
func Diff(old, new *Schema) []Change {
	var d differ
	merge(old.sorted, new.sorted, func(t *Type) string { return t.Name }, d.types)
	merge(old.caveatSet, new.caveatSet, func(c *Caveat) string { return c.Name }, d.caveats)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// merge calls pair for each name in either list: with what stands under it in
// old and in new, the zero value for what is missing, in order of names.
func merge[T any](old, new []T, name func(T) string, pair func(old, new T)) {
	byName := func(x, y T) int { return strings.Compare(name(x), name(y)) }
	old, new = slices.Clone(old), slices.Clone(new)
	slices.SortFunc(old, byName)
	slices.SortFunc(new, byName)
	var none T
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0 || len(old) > 0 && name(old[0]) < name(new[0]):
			pair(old[0], none)
			old = old[1:]
		case len(old) == 0 || name(new[0]) < name(old[0]):
			pair(none, new[0])
			new = new[1:]
		default:
			pair(old[0], new[0])
			old, new = old[1:], new[1:]
		}
	}
}

// sameDoc reports whether two docs print alike.
func sameDoc(a, b string) bool { return a == b || slices.Equal(docLines(a), docLines(b)) }

func (d *differ) types(old, new *Type) {
	switch {
	case old == nil:
		d.add(Change{Kind: DefinitionAdded, Type: new})
		return
	case new == nil:
		d.add(Change{Kind: DefinitionRemoved, Type: old})
		return
	case !sameDoc(old.Doc, new.Doc):
		d.add(Change{Kind: DefinitionDocChanged, Type: new})
	}
	merge(old.Members, new.Members, func(r *Relation) string { return r.Name }, d.members)
	merge(old.Constraints, new.Constraints, func(c *Constraint) string { return c.Name }, func(oldC, newC *Constraint) {
		switch {
		case oldC == nil:
			d.add(Change{Kind: ConstraintAdded, Type: new, Constraint: newC})
		case newC == nil:
			d.add(Change{Kind: ConstraintRemoved, Type: old, Constraint: oldC})
		case oldC.String() != newC.String() || !sameDoc(oldC.Doc, newC.Doc):
			d.add(Change{Kind: ConstraintChanged, Type: new, Constraint: newC, Before: oldC.String()})
		}
	})
}

func (d *differ) members(old, new *Relation) {
	if old != nil && new != nil && old.IsPermission() == new.IsPermission() {
		if old.IsPermission() {
			d.permission(old, new)
		} else {
			d.relation(old, new)
		}
		return
	}
	if old != nil {
		d.add(Change{Kind: kindOf(old, RelationRemoved, PermissionRemoved), Type: old.Type, Relation: old})
	}
	if new != nil {
		d.add(Change{Kind: kindOf(new, RelationAdded, PermissionAdded), Type: new.Type, Relation: new})
	}
}

// kindOf chooses the kind for a relation or for a permission.
func kindOf(r *Relation, relation, permission ChangeKind) ChangeKind {
	if r.IsPermission() {
		return permission
	}
	return relation
}

func (d *differ) permission(old, new *Relation) {
	if !sameDoc(old.Doc, new.Doc) {
		d.add(Change{Kind: PermissionDocChanged, Type: new.Type, Relation: new})
	}
	if before := ExprString(old.Expr); before != ExprString(new.Expr) {
		d.add(Change{Kind: PermissionExprChanged, Type: new.Type, Relation: new, Before: before})
	}
}

func (d *differ) relation(old, new *Relation) {
	if !sameDoc(old.Doc, new.Doc) {
		d.add(Change{Kind: RelationDocChanged, Type: new.Type, Relation: new})
	}
	merge(old.Allowed, new.Allowed, (*Allowed).String, func(oldA, newA *Allowed) {
		switch {
		case oldA == nil:
			d.add(Change{Kind: SubjectTypeAdded, Type: new.Type, Relation: new, Allowed: newA})
		case newA == nil:
			d.add(Change{Kind: SubjectTypeRemoved, Type: old.Type, Relation: old, Allowed: oldA})
		}
	})
}

func (d *differ) caveats(old, new *Caveat) {
	switch {
	case old == nil:
		d.add(Change{Kind: CaveatAdded, Caveat: new})
		return
	case new == nil:
		d.add(Change{Kind: CaveatRemoved, Caveat: old})
		return
	}
	if !sameDoc(old.Doc, new.Doc) {
		d.add(Change{Kind: CaveatDocChanged, Caveat: new})
	}
	if before := old.Program.Canonical(); before != new.Program.Canonical() {
		d.add(Change{Kind: CaveatExprChanged, Caveat: new, Before: before})
	}
	merge(old.Params, new.Params, func(p Param) string { return p.Name }, func(oldP, newP Param) {
		switch {
		case oldP.Name == "":
			d.add(Change{Kind: ParameterAdded, Caveat: new, Param: &newP})
		case newP.Name == "":
			d.add(Change{Kind: ParameterRemoved, Caveat: old, Param: &oldP})
		case oldP.Type.String() != newP.Type.String():
			d.add(Change{Kind: ParameterTypeChanged, Caveat: new, Param: &newP, Before: oldP.Type.String()})
		}
	})
}

// Comment reports whether nothing but comments differ.
func (c Change) Comment() bool {
	switch c.Kind {
	case DefinitionDocChanged, RelationDocChanged, PermissionDocChanged, CaveatDocChanged:
		return true
	case ConstraintChanged:
		return c.Before == c.Constraint.String()
	}
	return false
}

// String says what changed, on one line.
func (c Change) String() string {
	switch c.Kind {
	case DefinitionAdded:
		return "definition " + c.Type.Name + " added"
	case DefinitionRemoved:
		return "definition " + c.Type.Name + " removed"
	case DefinitionDocChanged:
		return "definition " + c.Type.Name + ": comment changed"
	case RelationAdded, PermissionAdded:
		return c.Relation.String() + " added: " + c.Relation.Declaration()
	case RelationRemoved, PermissionRemoved:
		return c.Relation.String() + " removed: " + c.Relation.Declaration()
	case RelationDocChanged, PermissionDocChanged:
		return c.Relation.String() + ": comment changed"
	case SubjectTypeAdded:
		return c.Relation.String() + " allows now: " + c.Allowed.String()
	case SubjectTypeRemoved:
		return c.Relation.String() + " no longer allows: " + c.Allowed.String()
	case PermissionExprChanged:
		return c.Relation.String() + " is now " + ExprString(c.Relation.Expr) + ", was " + c.Before
	case ConstraintAdded:
		return c.Type.Name + ": " + c.Constraint.String() + " added"
	case ConstraintRemoved:
		return c.Type.Name + ": " + c.Constraint.String() + " removed"
	case ConstraintChanged:
		if c.Comment() {
			return c.Type.Name + ": " + c.Before + ": comment changed"
		}
		return c.Type.Name + ": " + c.Constraint.String() + ", was " + c.Before
	}
	return c.caveatString()
}

func (c Change) caveatString() string {
	name := "caveat " + c.Caveat.Name
	switch c.Kind {
	case CaveatAdded:
		return name + " added"
	case CaveatRemoved:
		return name + " removed"
	case CaveatDocChanged:
		return name + ": comment changed"
	case CaveatExprChanged:
		return name + " is now " + c.Caveat.Program.Canonical() + ", was " + c.Before
	case ParameterAdded:
		return name + ": parameter " + c.Param.Name + " " + c.Param.Type.String() + " added"
	case ParameterRemoved:
		return name + ": parameter " + c.Param.Name + " " + c.Param.Type.String() + " removed"
	}
	return name + ": parameter " + c.Param.Name + " is now " + c.Param.Type.String() + ", was " + c.Before
}
