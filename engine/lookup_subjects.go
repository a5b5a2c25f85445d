package engine

import (
	"context"
	"iter"
	"slices"

	"github.com/pemba-authz/pemba/schema"
)

// SubjectResult is one result of LookupSubjects. ID "*" stands for every subject
// of the type that is not excluded.
type SubjectResult struct {
	ID       string
	State    State           // Yes or Conditional
	Missing  []string        // Conditional only: the caveat parameters still needed, sorted
	Excluded []SubjectResult // of "*": who is not meant (No) or only on a condition (Conditional), by id
}

// LookupSubjects returns the subjects of a type (with a relation: its usersets)
// that resource#relation holds, in ascending order of their ids, each once,
// beginning after the id after ("" from the first). "*" comes before all ids.
// Errors are those of Check; an error ends it.
func (e *Engine) LookupSubjects(ctx context.Context, resource Object, relation, subjectType, subjectRelation, after string) iter.Seq2[SubjectResult, error] {
	return func(yield func(SubjectResult, error) bool) {
		c, err := e.SubjectCandidates(ctx, resource, relation, subjectType, subjectRelation)
		if err != nil {
			yield(SubjectResult{}, err)
			return
		}
		for r, err := range c.Results(ctx, e, after) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// SubjectCandidates collects the candidates of LookupSubjects: it goes down from
// the set along everything that it is made of.
func (e *Engine) SubjectCandidates(ctx context.Context, resource Object, relation, subjectType, subjectRelation string) (*SubjectCandidates, error) {
	asked := Subject{Object{subjectType, ""}, subjectRelation}
	r, err := e.question(ctx, resource, relation, asked)
	if err != nil {
		return nil, err
	}
	w := e.walk(ctx, asked)
	defer w.release()
	d := &descent{walk: w, root: node{r, resource.ID}, seen: map[node]uint8{}, found: map[string]certainty{}, wild: wildcards(r, subjectType, subjectRelation)}
	err = d.collect()
	e.Cost.collected(len(d.found), w.reads)
	if err != nil {
		return nil, err
	}
	return d.candidates(), nil
}

// certainty is how sure it is that a subject that was come across is in the set.
type certainty uint8

const (
	mentioned certainty = iota + 1 // only right of an exclusion: it may be an exception to a wildcard
	candidate                      // the way passed an intersection, an exclusion, an "all" arrow or a caveat
	certain
)

// descent collects the subjects that a set may hold, downward.
type descent struct {
	walk  *walk
	root  node
	seen  map[node]uint8       // the levels, as bits
	found map[string]certainty // by subject id
	bytes int64
	queue []visit
	wild  map[*schema.Relation]bool // the schema lets it hold the wildcard of the asked type
}

type visit struct {
	node  node
	level certainty
}

func (d *descent) collect() error {
	if d.root.relation.Unstratified {
		if err := d.walk.stratified(d.root); err != nil {
			return err
		}
	}
	d.visit(d.root, certain)
	for len(d.queue) > 0 {
		v := d.queue[len(d.queue)-1]
		d.queue = d.queue[:len(d.queue)-1]
		if err := d.members(v.node, v.level); err != nil {
			return err
		}
		if len(d.seen)+len(d.found) > d.walk.limits.Candidates {
			return &LimitError{What: "candidates of a lookup", Limit: int64(d.walk.limits.Candidates)}
		}
		if d.bytes > d.walk.limits.CandidateBytes {
			return &LimitError{What: "bytes of candidates of a lookup", Limit: d.walk.limits.CandidateBytes}
		}
	}
	return nil
}

// visit notes a set; it is looked into again only for another level. What is
// known of a candidate says nothing of what is only mentioned: right of the
// set's own exclusions the two change places.
func (d *descent) visit(n node, level certainty) {
	seen := d.seen[n]
	if !d.walk.reachable(n.relation) || seen&(1<<level) != 0 || level == candidate && seen&(1<<certain) != 0 {
		return
	}
	d.seen[n] = seen | 1<<level
	d.queue = append(d.queue, visit{n, level})
}

func (d *descent) add(id string, level certainty) {
	if was, known := d.found[id]; !known || was < level {
		d.found[id] = level
		if !known {
			d.bytes += int64(len(id))
		}
	}
}

func (d *descent) members(n node, level certainty) error {
	s := &d.walk.subject
	if s.Relation == n.relation.Name && s.Type == n.relation.Type.Name {
		d.add(n.id, level) // the userset of its own name
	}
	if n.relation.IsPermission() {
		return d.expr(n.relation.Plan, n, level)
	}
	for i, a := range n.relation.Allowed {
		if !firstOfKind(n.relation.Allowed, i) {
			continue
		}
		direct := a.Type.Name == s.Type && (a.Relation == nil && s.Relation == "" || a.Relation != nil && a.Relation.Name == s.Relation)
		follow := a.Relation != nil && d.walk.reachable(a.Relation)
		if !direct && !follow || a.Wildcard && plainToo(n.relation.Allowed, a.Type) {
			continue
		}
		err := d.each(n.relation, n.id, a, level, func(id string, level certainty) {
			if direct && (id != Wildcard || s.Relation == "") {
				d.add(id, level)
			}
			if follow {
				d.visit(node{a.Relation, id}, level)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls f for the subjects of one kind that may hold for this request.
func (d *descent) each(r *schema.Relation, id string, a *schema.Allowed, level certainty, f func(id string, level certainty)) error {
	return d.walk.each(r, id, a, func(held value, subjectID string) (bool, error) {
		switch held.truth {
		case no:
		case yes:
			f(subjectID, level)
		case conditional, deep:
			f(subjectID, min(level, candidate))
		}
		return false, nil
	})
}

func (d *descent) expr(x schema.Expr, n node, level certainty) error {
	switch x := x.(type) {
	case *schema.Ref:
		d.visit(node{x.Relation, n.id}, level)
	case *schema.Self:
		if s := &d.walk.subject; s.Relation == "" && s.Type == n.relation.Type.Name {
			d.add(n.id, level)
		}
	case *schema.Union:
		return d.all(x.Of, n, level)
	case *schema.Intersection:
		return d.intersection(x.Of, n, min(level, candidate))
	case *schema.Exclusion:
		if err := d.expr(x.Base, n, min(level, candidate)); err != nil {
			return err
		}
		if d.holdsWildcard(x.Base) {
			if level == mentioned {
				return d.expr(x.Minus, n, candidate) // an exception to an exception may be granted
			}
			return d.expr(x.Minus, n, mentioned)
		}
	case *schema.ArrowExpr:
		return d.arrow(x, n, level)
	}
	return nil
}

func (d *descent) all(of []schema.Expr, n node, level certainty) error {
	for _, x := range of {
		if err := d.expr(x, n, level); err != nil {
			return err
		}
	}
	return nil
}

func (d *descent) arrow(x *schema.ArrowExpr, n node, level certainty) error {
	if x.All {
		level = min(level, candidate)
	}
	for i, a := range x.Left.Allowed {
		target := x.Targets[i]
		if target == nil || !firstOfKind(x.Left.Allowed, i) || !d.walk.reachable(target) {
			continue
		}
		err := d.each(x.Left, n.id, a, level, func(id string, level certainty) {
			d.visit(node{target, id}, level)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// intersection looks into as much of an intersection as it takes to come across
// everybody in it: into nothing, if one of its relations is empty.
func (d *descent) intersection(of []schema.Expr, n node, level certainty) error {
	for _, x := range of {
		ref, ok := x.(*schema.Ref)
		if !ok || ref.Relation.IsPermission() {
			continue
		}
		empty := true
		for i, a := range ref.Relation.Allowed {
			if !empty || !firstOfKind(ref.Relation.Allowed, i) {
				continue
			}
			err := d.walk.each(ref.Relation, n.id, a, func(value, string) (bool, error) {
				empty = false
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		// A userset of the relation's own name is in it whatever is stored.
		s := &d.walk.subject
		if empty && (s.Relation != ref.Relation.Name || s.Type != ref.Relation.Type.Name) {
			return nil
		}
	}
	return d.all(d.enough(of), n, level)
}

// enough returns the operands of an intersection that have to be looked into:
// one that cannot hold the wildcard names everybody who can be in all of them.
// Of several the one on the object itself is taken before those behind arrows,
// which tend to name many.
func (d *descent) enough(of []schema.Expr) []schema.Expr {
	best, found := 0, false
	for i, x := range of {
		if !d.holdsWildcard(x) && (!found || nearness(x) < nearness(of[best])) {
			best, found = i, true
		}
	}
	if !found {
		return of
	}
	return of[best : best+1]
}

// nearness orders expressions by how few subjects they are likely to name.
func nearness(x schema.Expr) int {
	switch x := x.(type) {
	case *schema.Ref:
		if !x.Relation.IsPermission() {
			return 0
		}
		if _, ref := x.Relation.Plan.(*schema.Ref); !ref { // refs may lead round
			return nearness(x.Relation.Plan)
		}
	case *schema.ArrowExpr:
		return 2
	case *schema.Union:
		most := 0
		for _, y := range x.Of {
			if _, ref := y.(*schema.Ref); !ref {
				most = max(most, nearness(y))
			}
		}
		return most
	}
	return 1
}

// wildcards returns the relations and permissions below r that the schema lets
// hold the wildcard of a type: a least fixpoint, since they may be recursive.
func wildcards(r *schema.Relation, subjectType, subjectRelation string) map[*schema.Relation]bool {
	d := &descent{wild: map[*schema.Relation]bool{}}
	if subjectRelation != "" {
		return d.wild
	}
	below := []*schema.Relation{r}
	for i := 0; i < len(below); i++ {
		for _, dep := range dependencies(below[i]) {
			if _, known := d.wild[dep]; !known && dep.Reaches(subjectType, "") {
				d.wild[dep] = false
				below = append(below, dep)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, r := range slices.Backward(below) {
			if !d.wild[r] && d.relationHoldsWildcard(r, subjectType) {
				d.wild[r], changed = true, true
			}
		}
	}
	return d.wild
}

// dependencies returns the sets that a set is made of.
func dependencies(r *schema.Relation) []*schema.Relation {
	var out []*schema.Relation
	for _, a := range r.Allowed {
		if a.Relation != nil {
			out = append(out, a.Relation)
		}
	}
	var add func(x schema.Expr)
	add = func(x schema.Expr) {
		switch x := x.(type) {
		case *schema.Ref:
			out = append(out, x.Relation)
		case *schema.ArrowExpr:
			for _, t := range x.Targets {
				if t != nil {
					out = append(out, t)
				}
			}
		case *schema.Union:
			for _, o := range x.Of {
				add(o)
			}
		case *schema.Intersection:
			for _, o := range x.Of {
				add(o)
			}
		case *schema.Exclusion:
			add(x.Base)
			add(x.Minus)
		}
	}
	add(r.Plan)
	return out
}

// holdsWildcard reports whether the schema lets an expression hold the wildcard
// of the asked type.
func (d *descent) holdsWildcard(x schema.Expr) bool {
	switch x := x.(type) {
	case *schema.Ref:
		return d.wild[x.Relation]
	case *schema.ArrowExpr:
		return slices.ContainsFunc(x.Targets, func(t *schema.Relation) bool { return t != nil && d.wild[t] })
	case *schema.Union:
		return slices.ContainsFunc(x.Of, d.holdsWildcard)
	case *schema.Intersection:
		return !slices.ContainsFunc(x.Of, func(x schema.Expr) bool { return !d.holdsWildcard(x) })
	case *schema.Exclusion:
		return d.holdsWildcard(x.Base)
	}
	return false
}

func (d *descent) relationHoldsWildcard(r *schema.Relation, subjectType string) bool {
	if r.IsPermission() {
		return d.holdsWildcard(r.Plan)
	}
	return slices.ContainsFunc(r.Allowed, func(a *schema.Allowed) bool {
		return a.Wildcard && a.Type.Name == subjectType || a.Relation != nil && d.wild[a.Relation]
	})
}
