package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Demands is what must hold of the stored relationships before a schema may
// replace another. Whether it holds is for the store to find out.
type Demands struct {
	// Absent are the kinds of relationships of which none may be stored, in
	// the order of the old schema.
	Absent []Demand

	// Unused are the caveats that no stored relationship may use.
	Unused []CaveatDemand

	// Judged are the constraints of the new schema that the old one does not
	// guarantee: the stored relationships must keep them.
	Judged []*Constraint
}

// None reports whether nothing is demanded: the schema may be replaced
// whatever is stored.
func (d Demands) None() bool { return len(d.Absent)+len(d.Unused)+len(d.Judged) == 0 }

// Demand is one kind of relationship, by everything that an allowed subject
// type tells apart, and why it must be absent.
type Demand struct {
	Type            string
	Relation        string
	SubjectType     string
	SubjectRelation string // "" for subjects without a relation and for wildcards
	Wildcard        bool
	Caveat          string // "" for none
	Expiration      bool

	Reason string // for people: `relation "viewer" of "document" no longer allows "user:*"`
}

// CaveatDemand is a caveat that must be unused, and why.
type CaveatDemand struct {
	Caveat string
	Param  string // that stands against it; "" when the caveat is removed
	Reason string // for people: `caveat "limit" loses its parameter "max"`
}

// Compat tells what must hold of the relationships stored under old before new
// may replace it.
func Compat(old, new *Schema) Demands {
	var d Demands
	for _, t := range old.sorted {
		for _, r := range t.Members {
			d.absent(r, new)
		}
	}
	for _, c := range old.caveatSet {
		d.unused(c, new.caveats[c.Name])
	}
	for _, t := range new.sorted {
		kept := map[string]bool{}
		if before := old.types[t.Name]; before != nil {
			for _, c := range before.Constraints {
				kept[c.demand()] = true
			}
		}
		for _, c := range t.Constraints {
			if !kept[c.demand()] {
				d.Judged = append(d.Judged, c)
			}
		}
	}
	return d
}

// absent demands that nothing is stored of what r allows and new does not.
func (d *Demands) absent(r *Relation, new *Schema) {
	now := new.Relation(r.Type.Name, r.Name)
	kept := map[string]bool{}
	if now != nil {
		for _, a := range now.Allowed {
			kept[a.String()] = true
		}
	}
	for _, a := range r.Allowed {
		demand := Demand{
			Type:            r.Type.Name,
			Relation:        r.Name,
			SubjectType:     a.Type.Name,
			SubjectRelation: a.relationName(),
			Wildcard:        a.Wildcard,
			Caveat:          a.caveatName(),
			Expiration:      a.Expiration,
		}
		switch {
		case new.types[r.Type.Name] == nil:
			demand.Reason = fmt.Sprintf("definition %q is removed", r.Type.Name)
		case now == nil:
			demand.Reason = fmt.Sprintf("relation %q of %q is removed", r.Name, r.Type.Name)
		case now.IsPermission():
			demand.Reason = fmt.Sprintf("relation %q of %q becomes a permission", r.Name, r.Type.Name)
		case kept[a.String()]:
			continue
		case new.types[a.Type.Name] == nil:
			demand.Reason = fmt.Sprintf("definition %q is removed, and %q of %q allowed %q", a.Type.Name, r.Name, r.Type.Name, a)
		case a.Relation != nil && new.Relation(a.Type.Name, a.Relation.Name) == nil:
			demand.Reason = fmt.Sprintf("%s %q of %q is removed, and %q of %q allowed %q", a.Relation.kind(), a.Relation.Name, a.Type.Name, r.Name, r.Type.Name, a)
		default:
			demand.Reason = fmt.Sprintf("relation %q of %q no longer allows %q", r.Name, r.Type.Name, a)
		}
		d.Absent = append(d.Absent, demand)
	}
}

// unused demands that c is unused when contexts stored for it may not fit now.
func (d *Demands) unused(c, now *Caveat) {
	if now == nil {
		d.Unused = append(d.Unused, CaveatDemand{c.Name, "", fmt.Sprintf("caveat %q is removed", c.Name)})
		return
	}
	for _, p := range c.Params {
		other := now.Param(p.Name)
		switch {
		case other == nil:
			d.Unused = append(d.Unused, CaveatDemand{c.Name, p.Name, fmt.Sprintf("caveat %q loses its parameter %q", c.Name, p.Name)})
		case other.Type.String() != p.Type.String():
			d.Unused = append(d.Unused, CaveatDemand{c.Name, p.Name, fmt.Sprintf("parameter %q of caveat %q was %s and becomes %s", p.Name, c.Name, p.Type, other.Type)})
		}
	}
}

// demand is equal for constraints of one type that demand the same.
func (c *Constraint) demand() string {
	names := make([]string, len(c.Relations))
	for i, r := range c.Relations {
		names[i] = r.Name
	}
	slices.Sort(names)
	return c.Kind.String() + " " + strings.Join(names, " ")
}
