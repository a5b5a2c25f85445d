package schema

import (
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// printedFlags are the flags that Canonical may print, each with the words that
// it reserves.
var printedFlags = []struct {
	name  string
	words []string
}{
	{"constraint", []string{"constraint"}},
	{"expiration", []string{"expiration", "and"}},
	{"self", []string{"self"}},
}

// checkReserved fills the flags that the schema uses, and refuses names that
// they reserve. The parser has refused those that come after their flag; a
// partial before it or an imported text without it may still bring one in, and
// then the schema could not be printed.
func (c *compiler) checkReserved() {
	uses := c.uses()
	for _, flag := range printedFlags {
		if !uses[flag.name] {
			continue
		}
		c.s.flags = append(c.s.flags, flag.name)
		refuse := func(at place, name string) {
			for part := range strings.SplitSeq(name, "/") {
				if slices.Contains(flag.words, part) {
					c.parseFault(at, "%s is reserved, because the schema uses %q: rename it", syntax.Quote(part), flag.name)
				}
			}
		}
		for name, d := range c.decls {
			if d.kind != "partial" {
				refuse(d.at, name)
			}
		}
		for _, m := range c.members {
			refuse(m.place(m.name.Pos), m.name.Name)
		}
		for _, cav := range c.s.caveatSet {
			for _, p := range cav.Params {
				refuse(place{c.decls[cav.Name].at.u, p.Pos}, p.Name)
			}
		}
	}
}

// uses finds which of the printed flags the schema needs.
func (c *compiler) uses() map[string]bool {
	uses := map[string]bool{}
	for _, t := range c.s.types {
		uses["constraint"] = uses["constraint"] || len(t.Constraints) > 0
	}
	for _, r := range c.s.relations {
		for _, a := range r.Allowed {
			uses["expiration"] = uses["expiration"] || a.Expiration
		}
		if r.Expr != nil && !uses["self"] {
			leaves(r.Expr, func(x Expr) {
				_, self := x.(*Self)
				uses["self"] = uses["self"] || self
			})
		}
	}
	return uses
}
