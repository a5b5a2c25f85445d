package schema_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/schema"
)

// TestCanonicalIsStable compiles what Canonical prints: it is the same schema.
func TestCanonicalIsStable(t *testing.T) {
	for name, s := range schemas(t) {
		t.Run(name, func(t *testing.T) { stable(t, s) })
	}
	for seed := range uint64(300) {
		if s := randomSchema(seed); s != nil {
			stable(t, s)
		}
	}
}

func stable(t *testing.T, s *schema.Schema) {
	t.Helper()
	text := s.Canonical()
	again, err := compile(map[string]string{"schema": text}, "schema")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := again.Canonical(); got != text {
		t.Fatalf("printed again:\n%s\nwas:\n%s", got, text)
	}
	if changes := schema.Diff(s, again); len(changes) > 0 {
		t.Fatalf("%v differs in %s", changes, text)
	}
	if d := schema.Compat(s, again); !d.None() {
		t.Fatalf("demands %+v of %s", d, text)
	}
}

// randomSchema gives a schema of four types, nil when the seed makes one that
// is refused.
func randomSchema(seed uint64) *schema.Schema {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	types := []string{"type0", "type1", "type2", "user"}
	relations := []string{"rel0", "rel1", "rel2"}
	permissions := []string{"perm0", "perm1", "perm2"}
	var b strings.Builder
	b.WriteString("use self\n")
	for _, name := range types[:3] {
		fmt.Fprintf(&b, "definition %s {\n", name)
		for _, rel := range relations {
			allowed := map[string]bool{pick(types...): true}
			for range r.IntN(3) {
				allowed[pick(types[:3]...)+pick("", "#"+pick(relations...), "#"+pick(permissions...))] = true
			}
			if r.IntN(5) == 0 {
				allowed["user:*"] = true
			}
			fmt.Fprintf(&b, "\trelation %s: %s\n", rel, strings.Join(slices.Sorted(maps.Keys(allowed)), " | "))
		}
		var expr func(depth int) string
		expr = func(depth int) string {
			if depth == 0 || r.IntN(4) == 0 {
				return pick(pick(relations...), pick(relations...), pick(permissions...), "nil", "self",
					pick(relations...)+"->"+pick(permissions...), pick(relations...)+".all("+pick(relations...)+")")
			}
			return "(" + expr(depth-1) + pick(" + ", " & ", " - ") + expr(depth-1) + ")"
		}
		for _, p := range permissions {
			fmt.Fprintf(&b, "\tpermission %s = %s\n", p, expr(3))
		}
		b.WriteString("}\n")
	}
	b.WriteString("definition user {}\n")
	s, err := compile(map[string]string{"schema": b.String()}, "schema")
	if err != nil {
		return nil
	}
	return s
}

// TestRandomSchemasCompile guards the properties below against a generator that
// makes only schemas that are refused.
func TestRandomSchemasCompile(t *testing.T) {
	compiled := 0
	for seed := range uint64(300) {
		if randomSchema(seed) != nil {
			compiled++
		}
	}
	if compiled < 60 {
		t.Errorf("only %d of 300 random schemas compile", compiled)
	}
}

// TestPlanMeansExpr decides every permission by its Expr and by its Plan, for
// every way in which the sets that it names may hold a subject.
func TestPlanMeansExpr(t *testing.T) {
	for seed := range uint64(300) {
		s := randomSchema(seed)
		if s == nil {
			continue
		}
		for _, r := range s.Relations() {
			if !r.IsPermission() {
				continue
			}
			names := operands(r.Expr)
			for world := range 1 << len(names) {
				holds := func(x string) bool { return world&(1<<slices.Index(names, x)) != 0 }
				if value(r.Expr, holds) != value(r.Plan, holds) {
					t.Fatalf("seed %d: %s: plan %s does not grant what %s grants", seed, r, schema.ExprString(r.Plan), schema.ExprString(r.Expr))
				}
			}
		}
	}
}

// operands lists the names and arrows of an expression.
func operands(x schema.Expr) []string {
	switch x := x.(type) {
	case *schema.Union:
		return operandsOf(x.Of...)
	case *schema.Intersection:
		return operandsOf(x.Of...)
	case *schema.Exclusion:
		return operandsOf(x.Base, x.Minus)
	case *schema.Nil:
		return nil
	}
	return []string{schema.ExprString(x)}
}

func operandsOf(of ...schema.Expr) []string {
	var out []string
	for _, x := range of {
		out = append(out, operands(x)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// value decides an expression, given which operands hold. An arrow without
// targets never does.
func value(x schema.Expr, holds func(string) bool) bool {
	decide := func(x schema.Expr) bool { return value(x, holds) }
	switch x := x.(type) {
	case *schema.Union:
		return slices.ContainsFunc(x.Of, decide)
	case *schema.Intersection:
		return !slices.ContainsFunc(x.Of, func(x schema.Expr) bool { return !decide(x) })
	case *schema.Exclusion:
		return decide(x.Base) && !decide(x.Minus)
	case *schema.Nil:
		return false
	case *schema.ArrowExpr:
		if !slices.ContainsFunc(x.Targets, func(t *schema.Relation) bool { return t != nil }) {
			return false
		}
	}
	return holds(schema.ExprString(x))
}

// TestEdgesFindWhatReaches walks the edges up from every subject type: what a
// subject of the type can be in must be found, and what is found without a
// check must be what such a subject can be in.
func TestEdgesFindWhatReaches(t *testing.T) {
	all := schemas(t)
	for seed := range uint64(300) {
		if s := randomSchema(seed); s != nil {
			all[fmt.Sprint("seed ", seed)] = s
		}
	}
	for name, s := range all {
		for _, typ := range s.Types() {
			found, certain := map[*schema.Relation]bool{}, map[*schema.Relation]bool{}
			for _, e := range s.Entries(typ.Name) {
				climb(e.Relation, found, func(schema.Edge) bool { return true })
				if e.Plain || e.Wildcard || !e.Check {
					climb(e.Relation, certain, func(e schema.Edge) bool { return !e.Check })
				}
			}
			for _, r := range s.Relations() {
				reaches := r.Reaches(typ.Name, "")
				if reaches && !found[r] {
					t.Errorf("%s: a %s can be in %s, but no edges lead there", name, typ.Name, r)
				}
				if certain[r] && !reaches {
					t.Errorf("%s: a %s is said never to be in %s, but edges lead there without a check", name, typ.Name, r)
				}
				if !r.Reaches(r.Type.Name, r.Name) {
					t.Errorf("%s: %s does not reach itself", name, r)
				}
			}
		}
	}
}

func climb(r *schema.Relation, seen map[*schema.Relation]bool, follow func(schema.Edge) bool) {
	if seen[r] {
		return
	}
	seen[r] = true
	for _, e := range r.Up {
		if follow(e) {
			climb(e.To, seen, follow)
		}
	}
}

// TestIndex holds that relations stand at their index.
func TestIndex(t *testing.T) {
	for name, s := range schemas(t) {
		for i, r := range s.Relations() {
			if r.Index != i || s.Relation(r.Type.Name, r.Name) != r {
				t.Errorf("%s: %s has index %d and stands at %d", name, r, r.Index, i)
			}
		}
	}
}
