package schema

import (
	"path"
	"regexp"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// unit is one parsed text: the compiled one or an import.
type unit struct {
	path         string // "" for the compiled text
	text         string
	file         *syntax.File
	from         *unit // who imports it first; nil for the compiled text
	at           syntax.Pos
	typechecking bool
	done         bool // its own imports are loaded
}

// maxImports bounds how many files one schema may import.
const maxImports = 1000

// declaration finds what a text seems to declare.
var declaration = regexp.MustCompile(`\b(?:definition|partial|caveat|relation|permission)[ \t]+([\w/]+)`)

// load parses the text and, where it may, what it imports. What is imported
// comes before what imports it, and comes once however often it is imported.
func (c *compiler) load(source string) {
	c.loadUnit(&unit{text: source}, map[string]*unit{})
}

func (c *compiler) loadUnit(u *unit, seen map[string]*unit) {
	file, errs := syntax.Parse(u.text)
	u.file = file
	if len(errs) > 0 {
		c.keepParseFaults(u, errs)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *syntax.Use:
			u.typechecking = u.typechecking || d.Flag.Name == "typechecking"
		case *syntax.Import:
			c.load1(u, d, seen)
		}
	}
	u.done = true
	c.units = append(c.units, u)
}

// load1 loads one import.
func (c *compiler) load1(u *unit, d *syntax.Import, seen map[string]*unit) {
	at := place{u, d.PathPos}
	if d.Path == "" {
		return
	}
	if c.o.Import == nil {
		c.parseFault(at, "import of %s: imports are resolved by the tools; write the schema with its imports in one text", syntax.Quote(d.Path))
		c.lostAll = true
		return
	}
	name := path.Join(path.Dir(u.path), d.Path)
	if old := seen[name]; old != nil {
		if !old.done {
			c.parseFault(at, "import of %s: the files import each other in a cycle", syntax.Quote(name))
		}
		return
	}
	if len(seen) == maxImports {
		c.parseFault(at, "import of %s: a schema may import at most %d files", syntax.Quote(name), maxImports)
		return
	}
	text, err := c.o.Import(name)
	next := &unit{path: name, text: text, from: u, at: d.PathPos, done: err != nil}
	seen[name] = next
	if err != nil {
		c.parseFault(at, "import of %s: %v", syntax.Quote(name), err)
		c.lostAll = true
		return
	}
	c.loadUnit(next, seen)
}

// keepParseFaults takes over what the parser found, and counts the declarations
// that were lost by it.
func (c *compiler) keepParseFaults(u *unit, errs syntax.ErrorList) {
	for _, e := range errs {
		before := len(c.errs)
		c.fault(place{u, e.Pos}, e.Kind, "%s", e.Msg)
		if e.Code == syntax.UnknownName {
			c.fix(place{u, e.Pos}, before, e.Fix)
		}
	}
	for _, m := range declaration.FindAllStringSubmatch(u.text, -1) {
		c.lost[m[1]]++
	}
	for _, d := range u.file.Decls {
		switch d := d.(type) {
		case *syntax.Caveat:
			c.lost[d.Name.Name]--
		case *syntax.Definition:
			c.lost[d.Name.Name]--
			for _, m := range d.Members {
				switch m := m.(type) {
				case *syntax.Relation:
					c.lost[m.Name.Name]--
				case *syntax.Permission:
					c.lost[m.Name.Name]--
				}
			}
		}
	}
}
