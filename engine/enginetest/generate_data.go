package enginetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// questionsAWorld is how many questions a world asks; some may be the same.
const questionsAWorld = 200

// Nowhere is an id that no relationship of a random world mentions.
const Nowhere = "nowhere"

// data makes the relationships, the context and the questions.
func (g *generator) data(w *World) {
	ids := map[string][]string{}
	for _, t := range g.users {
		ids[t] = []string{"ann", "bob", "cat", "dan"}[:1+g.IntN(4)]
	}
	large := g.chance(12) // rings and chains need room
	for _, t := range g.objects {
		ids[t] = []string{"o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"}[:1+g.IntN(3)]
		if large {
			ids[t] = ids[t][:4+g.IntN(5)]
		}
	}
	density := 1 + g.IntN(3)
	taken := map[engine.Relationship]bool{}
	for _, t := range g.objects {
		for _, name := range g.members[t] {
			r := g.relation[member{t, name}]
			if r == nil {
				continue
			}
			for _, id := range ids[t] {
				for range g.IntN(density+2) + g.IntN(2) {
					rel := engine.Relationship{Resource: engine.Object{Type: t, ID: id}, Relation: name}
					g.subject(&rel, pick(g, r.Allowed), ids, w.Now)
					if !taken[rel.Key()] {
						taken[rel.Key()] = true
						w.Relationships = append(w.Relationships, rel)
					}
				}
			}
		}
	}
	w.Context = map[string]any{}
	for _, c := range g.caveats {
		g.fill(w.Context, c, 15)
	}
	for range questionsAWorld {
		w.Questions = append(w.Questions, g.question(ids))
	}
}

// subject makes the subject and the trait of a relationship.
func (g *generator) subject(rel *engine.Relationship, a *syntax.Allowed, ids map[string][]string, now time.Time) {
	rel.Subject.Object = engine.Object{Type: a.Type.Name, ID: engine.Wildcard}
	if !a.Wildcard {
		rel.Subject.ID = pick(g, ids[a.Type.Name])
	}
	if a.Relation != nil {
		rel.Subject.Relation = a.Relation.Name
	}
	if a.Caveat == nil && !a.Expiration {
		return
	}
	rel.Trait = &engine.Trait{}
	if a.Expiration {
		rel.Trait.Expires = now.Add([]time.Duration{-time.Hour, 0, time.Nanosecond, time.Hour, 48 * time.Hour}[g.IntN(5)])
	}
	if a.Caveat != nil {
		rel.Trait.Caveat = a.Caveat.Name
		context := map[string]any{}
		for _, c := range g.caveats {
			if c.Name.Name == a.Caveat.Name {
				g.fill(context, c, 25)
			}
		}
		if len(context) > 0 {
			rel.Trait.Context = context
		}
	}
}

// fill gives each parameter of a caveat a value, or leaves it unknown.
func (g *generator) fill(context map[string]any, c *syntax.Caveat, percent int) {
	for _, p := range c.Params {
		if !g.chance(percent) {
			continue
		}
		switch p.Type.Name.Name {
		case "int":
			context[p.Name.Name] = json.Number(fmt.Sprint(g.IntN(4)))
		case "bool":
			context[p.Name.Name] = g.chance(50)
		case "string":
			context[p.Name.Name] = pick(g, []string{"red", "blue"})
		}
	}
}

// question asks mostly for a permission and a user.
func (g *generator) question(ids map[string][]string) Question {
	object := func(types []string) engine.Object {
		o := engine.Object{Type: pick(g, types)}
		o.ID = pick(g, ids[o.Type])
		if g.chance(4) {
			o.ID = Nowhere
		}
		return o
	}
	q := Question{Resource: object(g.objects)}
	names := g.members[q.Resource.Type]
	if g.chance(70) {
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool {
			return g.relation[member{q.Resource.Type, n}] != nil
		})
	}
	q.Relation = pick(g, names)
	switch n := g.IntN(100); {
	case n < 80:
		q.Subject.Object = object(g.users)
	case n < 86:
		q.Subject.Object = object(g.objects)
	case n < 91:
		q.Subject = engine.Subject{Object: q.Resource, Relation: pick(g, g.members[q.Resource.Type])}
	default:
		q.Subject.Object = object(g.objects)
		q.Subject.Relation = pick(g, g.members[q.Subject.Type])
	}
	return q
}
