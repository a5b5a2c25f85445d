package enginetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// NewWorld makes the random world of a seed: a valid schema of a few small
// types, relationships that it allows, and some two hundred questions.
//
// Recursion through the right side of an exclusion is avoided by giving every
// name a level, the same on all types: a set depends only on sets of its level
// or below, through the right side of an exclusion only on sets below. One
// world in seven, the Unstratified ones, ignores the levels.
func NewWorld(seed uint64) World {
	g := &generator{
		Rand:     rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		levels:   map[string]int{},
		relation: map[member]*syntax.Relation{},
		members:  map[string][]string{},
	}
	w := World{Seed: seed, Now: time.Date(2031, 7, 1, 12, 0, 0, 0, time.UTC)}
	w.Unstratified = g.IntN(7) == 0
	g.levelled = !w.Unstratified
	w.Schema = Print(g.schema())
	g.data(&w)
	return w
}

var (
	userTypes   = []string{"user", "robot"}
	objectTypes = []string{"group", "folder", "org/team"}
	// The relations on the left of arrows hold objects and never a wildcard.
	treeRelations = []string{"parent", "home"}
	userRelations = []string{"member", "viewer", "banned"}
	permissions   = []string{"view", "edit", "admin", "act"}
)

// caveatTexts are the caveats that a world may have: parameters and body.
// A parameter has the same type in all of them, and $ is a small number.
var caveatTexts = [][2]string{
	{"num int", "num == $"},
	{"num int, lim int", "num < lim"},
	{"num int, open bool", "num >= $ && open"},
	{"open bool, color string", `open || color == "red"`},
	{"open bool, num int", "!open && num != $"},
	{"color string", `color != "blue"`},
	{"open bool, night bool, num int", "(open || night) && num <= $"},
	{"night bool", "night"},
}

type member struct{ typeName, name string }

// generator makes one world.
type generator struct {
	*rand.Rand
	levelled bool
	self     bool
	expiring bool
	caveats  []*syntax.Caveat

	users    []string
	objects  []string
	members  map[string][]string         // names by object type, relations first
	levels   map[string]int              // by name
	relation map[member]*syntax.Relation // those that are not permissions
	within   member                      // the permission that is being made
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// some returns between least and most of the elements, in order.
func some[T any](g *generator, from []T, least, most int) []T {
	want := least + g.IntN(min(most, len(from))-least+1)
	var out []T
	for i, v := range from {
		if left := len(from) - i; g.IntN(left) < want-len(out) {
			out = append(out, v)
		}
	}
	return out
}

func ident(name string) syntax.Ident { return syntax.Ident{Name: name} }

// schema makes the tree of a schema.
func (g *generator) schema() *syntax.File {
	g.self, g.expiring = g.chance(40), g.chance(60)
	typechecked, shared := g.chance(10), g.chance(15)
	var f syntax.File
	use := func(flag string, on bool) {
		if on {
			f.Decls = append(f.Decls, &syntax.Use{Flag: ident(flag)})
		}
	}
	use("self", g.self)
	use("expiration", g.expiring)
	use("typechecking", typechecked)
	use("partial", shared)
	if g.chance(80) {
		for i, text := range some(g, caveatTexts, 1, 3) {
			c := g.caveat(fmt.Sprintf("cond%d", i), text[0], text[1])
			g.caveats = append(g.caveats, c)
			f.Decls = append(f.Decls, c)
		}
	}
	g.users = userTypes[:1+g.IntN(4)/3]
	for _, u := range g.users {
		f.Decls = append(f.Decls, &syntax.Definition{Name: ident(u)})
	}
	g.declare()
	definitions := g.definitions()
	if typechecked {
		g.annotate(definitions)
	}
	for i, d := range definitions {
		if shared && i == 0 {
			n := 1 + g.IntN(len(d.Members))
			f.Decls = append(f.Decls, &syntax.Definition{Partial: true, Name: ident("common"), Members: slices.Clone(d.Members[:n])})
			d.Members = append([]syntax.Member{&syntax.Spread{Name: ident("common")}}, d.Members[n:]...)
		}
		f.Decls = append(f.Decls, d)
	}
	return &f
}

func (g *generator) caveat(name, params, body string) *syntax.Caveat {
	c := &syntax.Caveat{Name: ident(name), Body: strings.ReplaceAll(body, "$", fmt.Sprint(g.IntN(4)))}
	for p := range strings.SplitSeq(params, ", ") {
		param, kind, _ := strings.Cut(p, " ")
		c.Params = append(c.Params, &syntax.Param{Name: ident(param), Type: &syntax.TypeRef{Name: ident(kind)}})
	}
	return c
}

// declare chooses the types, the names of their members, and the levels.
func (g *generator) declare() {
	for _, n := range treeRelations {
		g.levels[n] = 0
	}
	for _, n := range userRelations {
		g.levels[n] = g.IntN(5) / 3 // mostly 0
	}
	for _, n := range permissions {
		g.levels[n] = (1 + g.IntN(6)) / 2 // seldom 0
	}
	g.objects = some(g, objectTypes, 1, 3)
	for _, t := range g.objects {
		for _, n := range slices.Concat(some(g, treeRelations, 0, 2), some(g, userRelations, 1, 3)) {
			g.members[t] = append(g.members[t], n)
			g.relation[member{t, n}] = &syntax.Relation{Name: ident(n)}
		}
		g.members[t] = append(g.members[t], some(g, permissions, 2, 4)...)
	}
}

// definitions fills in what the relations allow and the permissions compute.
func (g *generator) definitions() []*syntax.Definition {
	for _, t := range g.objects {
		for _, n := range g.members[t] {
			if r := g.relation[member{t, n}]; r != nil {
				g.allow(r)
			}
		}
	}
	g.untaint()
	var out []*syntax.Definition
	for _, t := range g.objects {
		d := &syntax.Definition{Name: ident(t)}
		for _, n := range g.members[t] {
			if r := g.relation[member{t, n}]; r != nil {
				d.Members = append(d.Members, r)
				continue
			}
			d.Members = append(d.Members, &syntax.Permission{Name: ident(n), Expr: g.permission(t, n)})
		}
		out = append(out, d)
	}
	return out
}

// annotate gives every permission an annotation that is true: all types.
func (g *generator) annotate(definitions []*syntax.Definition) {
	for _, d := range definitions {
		for _, m := range d.Members {
			if p, ok := m.(*syntax.Permission); ok {
				for _, t := range slices.Concat(g.users, g.objects) {
					p.Types = append(p.Types, ident(t))
				}
			}
		}
	}
}

// allow chooses what a relation may hold.
func (g *generator) allow(r *syntax.Relation) {
	tree := slices.Contains(treeRelations, r.Name.Name)
	for n := 1 + g.IntN(3); len(r.Allowed) < n; {
		a := &syntax.Allowed{Type: ident(pick(g, g.users))}
		switch {
		case !tree && len(r.Allowed) == 0 && g.chance(50):
			// Without enough users nothing would be granted.
		case tree && g.chance(90) || g.chance(12):
			a.Type.Name = pick(g, g.objects)
			if tree && g.chance(10) {
				g.userset(a, r.Name.Name)
			}
		case g.chance(40):
			a.Type.Name = pick(g, g.objects)
			g.userset(a, r.Name.Name)
		case !tree && g.chance(25):
			a.Wildcard = true
			if g.chance(10) {
				a.Type.Name = pick(g, g.objects)
			}
		}
		if len(g.caveats) > 0 && g.chance(40) {
			name := pick(g, g.caveats).Name
			a.Caveat = &name
		}
		a.Expiration = g.expiring && g.chance(20)
		if slices.ContainsFunc(r.Allowed, func(b *syntax.Allowed) bool { return printAllowed(a) == printAllowed(b) }) {
			n--
			continue
		}
		r.Allowed = append(r.Allowed, a)
	}
	if len(r.Allowed) == 0 {
		r.Allowed = []*syntax.Allowed{{Type: ident("user")}}
	}
}

// userset makes a an userset of its type, if there is one that the level of
// the relation's name permits.
func (g *generator) userset(a *syntax.Allowed, relation string) {
	names := g.permitted(g.members[a.Type.Name], g.levels[relation])
	if len(names) == 0 {
		return
	}
	name := ident(pick(g, names))
	a.Relation = &name
}

// permitted returns the names up to a level, or all when levels don't count.
func (g *generator) permitted(names []string, level int) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return g.levelled && g.levels[n] > level })
}

// untaint drops the usersets of relations that hold a wildcard, directly or
// through usersets of relations: the schema language refuses them.
func (g *generator) untaint() {
	tainted := map[member]bool{}
	taints := func(a *syntax.Allowed) bool {
		return a.Relation != nil && tainted[member{a.Type.Name, a.Relation.Name}]
	}
	for again := true; again; {
		again = false
		for m, r := range g.relation {
			for _, a := range r.Allowed {
				if !tainted[m] && (a.Wildcard || taints(a)) {
					tainted[m], again = true, true
				}
			}
		}
	}
	for _, r := range g.relation {
		r.Allowed = slices.DeleteFunc(r.Allowed, taints)
		if len(r.Allowed) == 0 {
			r.Allowed = []*syntax.Allowed{{Type: ident("user")}}
		}
	}
}
