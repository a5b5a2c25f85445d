package main

import (
	"strings"

	"github.com/pemba-authz/pemba/engine"
)

// treeJSON is an engine.Tree as data.
type treeJSON struct {
	Operation string     `json:"operation"` // leaf, union, intersection or exclusion
	Set       string     `json:"set"`       // "type:id#relation"
	Via       string     `json:"via,omitempty"`
	Subjects  []string   `json:"subjects,omitempty"` // with caveat and expiration, as in relationships
	Repeated  bool       `json:"repeated,omitempty"`
	Children  []treeJSON `json:"children,omitempty"`
}

func treeData(t *engine.Tree) treeJSON {
	data := treeJSON{Operation: t.Op.String(), Set: setName(t), Repeated: t.Repeated}
	if t.Via != nil {
		data.Via = t.Via.String()
	}
	for _, s := range t.Subjects {
		data.Subjects = append(data.Subjects, storedText(s))
	}
	for _, child := range t.Children {
		data.Children = append(data.Children, treeData(child))
	}
	return data
}

func setName(t *engine.Tree) string { return t.Resource.String() + "#" + t.Relation }

// storedText is a subject with what its relationship carries.
func storedText(s engine.StoredSubject) string {
	_, text, _ := strings.Cut(engine.Relationship{Subject: s.Subject, Trait: s.Trait}.String(), "@")
	return text
}

func treeBranch(color palette, t *engine.Tree) branch {
	b := branch{text: setName(t)}
	switch t.Op {
	case engine.TreeLeaf:
	case engine.TreeUnion:
		b.text += color.dim(" (any of)")
	case engine.TreeIntersection:
		b.text += color.dim(" (all of)")
	case engine.TreeExclusion:
		b.text += color.dim(" (the first without the others)")
	}
	if t.Via != nil {
		b.text += color.dim(" via " + t.Via.String())
	}
	if t.Repeated {
		b.text += color.dim(" (see above)")
	}
	for _, s := range t.Subjects {
		b.below = append(b.below, branch{text: color.good(storedText(s))})
	}
	for _, child := range t.Children {
		b.below = append(b.below, treeBranch(color, child))
	}
	return b
}

// printTree prints a tree; as a table it is the relationships at its leaves.
func (a *app) printTree(t *engine.Tree) error {
	if a.format != "table" && a.format != "csv" {
		return a.one(nil, item{text: treeBranch(a.palette(), t).draw(a.palette()), value: treeData(t)})
	}
	p := a.list("set", "subject")
	var leaves func(t *engine.Tree) error
	seen := map[string]bool{} // a set may be reached in several ways
	leaves = func(t *engine.Tree) error {
		if t.Op == engine.TreeLeaf && seen[setName(t)] {
			return nil
		}
		seen[setName(t)] = t.Op == engine.TreeLeaf
		for _, s := range t.Subjects {
			if err := p.add(item{cells: []string{setName(t), storedText(s)}}); err != nil {
				return err
			}
		}
		for _, child := range t.Children {
			if err := leaves(child); err != nil {
				return err
			}
		}
		return nil
	}
	if err := leaves(t); err != nil {
		return err
	}
	return p.close()
}
