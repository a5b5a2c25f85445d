package schema

import (
	"strings"
	"unicode/utf8"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// declared is a name of file level that is taken.
type declared struct {
	kind string
	at   place
}

// partial is a partial and, once it was needed, its members.
type partial struct {
	u        *unit
	decl     *syntax.Definition
	members  []source
	expanded bool
	open     bool // its expansion is under way
	whole    bool // every spread in it was found
}

// declare notes every name of file level and compiles the caveats.
func (c *compiler) declare() {
	for _, u := range c.units {
		for _, d := range u.file.Decls {
			switch d := d.(type) {
			case *syntax.Definition:
				c.declareDefinition(u, d)
			case *syntax.Caveat:
				if c.take("caveat", place{u, d.Name.Pos}, d.Name.Name) {
					c.declareCaveat(u, d)
				}
			}
		}
	}
	c.s.sorted = sortedByName(c.s.types)
	c.s.caveatSet = sortedByName(c.s.caveats)
}

func (c *compiler) declareDefinition(u *unit, d *syntax.Definition) {
	kind := "definition"
	if d.Partial {
		kind = "partial"
	}
	if !c.take(kind, place{u, d.Name.Pos}, d.Name.Name) {
		c.partly[d.Name.Name] = true
		return
	}
	if d.Partial {
		c.partials[d.Name.Name] = &partial{u: u, decl: d}
		return
	}
	c.s.types[d.Name.Name] = &Type{
		Name:   d.Name.Name,
		Doc:    docText(d.Doc),
		Pos:    d.Name.Pos,
		byName: map[string]*Relation{},
		index:  len(c.s.types),
	}
}

// take reserves a name of file level; a taken one is a fault. Names that the
// parser refused to give are passed over.
func (c *compiler) take(kind string, at place, name string) bool {
	if name == "" {
		return false
	}
	old, taken := c.decls[name]
	if !taken {
		c.decls[name] = declared{kind, at}
		return true
	}
	if old.kind == kind {
		c.parseFault(at, "%s %s is declared twice: first %s", kind, syntax.Quote(name), old.at)
	} else {
		c.parseFault(at, "%s is the name of a %s and of a %s: the other one is declared %s", syntax.Quote(name), old.kind, kind, old.at)
	}
	return false
}

// String says where the place is, for messages: "at line 3, column 1".
func (p place) String() string {
	if p.u.from != nil {
		return "at " + p.pos.String() + " of " + syntax.Quote(p.u.path)
	}
	return "at " + p.pos.String()
}

// declareCaveat compiles one caveat.
func (c *compiler) declareCaveat(u *unit, d *syntax.Caveat) {
	cav := &Caveat{Name: d.Name.Name, Doc: docText(d.Doc), Body: d.Body, Pos: d.Name.Pos}
	c.s.caveats[cav.Name] = cav
	if len(d.Params) > maxParams {
		c.parseFault(place{u, cav.Pos}, "caveat %s has %d parameters, at most %d are allowed", syntax.Quote(cav.Name), len(d.Params), maxParams)
		return
	}
	sound := true
	named := make(map[string]bool, len(d.Params))
	for _, p := range d.Params {
		if p == nil || p.Name.Name == "" || p.Type == nil {
			sound = false
			continue
		}
		if named[p.Name.Name] {
			c.parseFault(place{u, p.Name.Pos}, "caveat %s has two parameters %s", syntax.Quote(cav.Name), syntax.Quote(p.Name.Name))
			sound = false
			continue
		}
		named[p.Name.Name] = true
		t, ok := c.paramType(u, p.Type)
		sound = sound && ok
		cav.Params = append(cav.Params, Param{Name: p.Name.Name, Type: t, Pos: p.Name.Pos})
	}
	switch {
	case !sound || !d.BodyPos.IsValid() || utf8.RuneCountInString(d.Body) > syntax.MaxCEL: // as the parser said
	case c.o.Caveats == nil:
		c.parseFault(place{u, cav.Pos}, "caveat %s cannot be compiled here: caveats are not supported", syntax.Quote(cav.Name))
	default:
		c.compileBody(u, d, cav)
	}
}

func (c *compiler) compileBody(u *unit, d *syntax.Caveat, cav *Caveat) {
	program, faults := c.o.Caveats.CompileCaveat(cav.Name, cav.Params, cav.Body)
	for _, f := range faults {
		at := d.BodyPos.After(cav.Body[:min(max(f.Offset, 0), len(cav.Body))])
		c.parseFault(place{u, at}, "caveat %s: %s", syntax.Quote(cav.Name), f.Msg)
	}
	if len(faults) > 0 {
		return
	}
	cav.Program = program
	for _, p := range cav.Params {
		if !program.Uses(p.Name) {
			c.typeFault(place{u, p.Pos}, "parameter %s of caveat %s is not used in its body: remove it", syntax.Quote(p.Name), syntax.Quote(cav.Name))
		}
	}
}

// paramTypes are the types of caveat parameters, with how many arguments each
// takes.
var paramTypes = []struct {
	name string
	args int
}{
	{"any", 0}, {"bool", 0}, {"bytes", 0}, {"double", 0}, {"duration", 0}, {"int", 0}, {"ipaddress", 0},
	{"list", 1}, {"map", 1}, {"string", 0}, {"timestamp", 0}, {"uint", 0},
}

func (c *compiler) paramType(u *unit, t *syntax.TypeRef) (ParamType, bool) {
	at := place{u, t.Name.Pos}
	known := make([]string, len(paramTypes))
	for i, k := range paramTypes {
		known[i] = k.name
		if k.name != t.Name.Name {
			continue
		}
		if len(t.Args) != k.args {
			if k.args == 1 {
				c.parseFault(at, "type %s takes one argument, the type of its items: %s<string>", k.name, k.name)
			} else {
				c.parseFault(at, "type %s takes no argument", k.name)
			}
			return ParamType{}, false
		}
		p := ParamType{Name: k.name}
		if k.args == 0 {
			return p, true
		}
		arg, ok := c.paramType(u, t.Args[0])
		p.Arg = &arg
		return p, ok
	}
	near := syntax.Nearest(t.Name.Name, known)
	defer c.fix(at, len(c.errs), near)
	if near == "" {
		c.parseFault(at, "there is no parameter type %s: there are %s", syntax.Quote(t.Name.Name), strings.Join(known, ", "))
	} else if t.Name.Name != "" {
		c.parseFault(at, "there is no parameter type %s; did you mean %q?", syntax.Quote(t.Name.Name), near)
	}
	return ParamType{}, false
}
