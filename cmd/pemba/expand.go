package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

func expandCommand(a *app) *cobra.Command {
	var at string
	var recursive bool
	c := &cobra.Command{
		Use:   "expand RESOURCE PERMISSION",
		Short: "Who is in this set, and by which relationships?",
		Long: `Shows the relationships that make up a relation or permission of a resource, as a
tree. The two arguments may stand in either order. Caveats are shown, not decided.`,
		Args: exactly(2, "RESOURCE PERMISSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if !strings.Contains(args[0], ":") && strings.Contains(args[1], ":") {
				args[0], args[1] = args[1], args[0]
			}
			resource, err := engine.ParseObject(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.explains.Expand(c.Context(), &pembav1.ExpandRequest{
					Consistency: consistencyAt(at), Resource: wireObject(resource), Permission: args[1], Recursive: recursive,
				})
				if err != nil {
					return err
				}
				return a.printTree(treeOf(r.GetTree()))
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, permissionArg),
	}
	atFlag(c, &at)
	c.Flags().BoolVar(&recursive, "recursive", false, "follow usersets down to the last subject")
	return c
}

// treeOf converts an expansion.
func treeOf(t *pembav1.ExpandTree) *engine.Tree {
	out := &engine.Tree{Resource: objectOf(t.GetResource()), Relation: t.GetRelation(), Repeated: t.GetRepeated()}
	switch t.GetOperation() {
	case pembav1.ExpandTree_OPERATION_UNION:
		out.Op = engine.TreeUnion
	case pembav1.ExpandTree_OPERATION_INTERSECTION:
		out.Op = engine.TreeIntersection
	case pembav1.ExpandTree_OPERATION_EXCLUSION:
		out.Op = engine.TreeExclusion
	}
	for _, wire := range t.GetRelationships() {
		r := relationshipFrom(wire)
		out.Subjects = append(out.Subjects, engine.StoredSubject{Subject: r.Subject, Trait: r.Trait})
	}
	for _, child := range t.GetChildren() {
		out.Children = append(out.Children, treeOf(child))
	}
	if t.GetVia() != nil {
		via := relationshipFrom(t.GetVia())
		out.Via = &via
	}
	return out
}

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
