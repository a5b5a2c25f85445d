package syntax

import "strings"

// The words with which a member begins.
const (
	wordRelation   = "relation"
	wordPermission = "permission"
	wordConstraint = "constraint"
)

func memberWords() []string { return []string{wordRelation, wordPermission, wordConstraint} }

// members reads the members of d up to its closing brace and gives the place
// of the brace.
func (p *parser) members(d *Definition) Pos {
	for {
		switch {
		case p.tok.kind == tNewline || p.tok.kind == tSemicolon:
			p.next()
		case p.tok.kind == tRBrace:
			end := p.tok.pos
			p.next()
			return end
		case p.tok.kind == tEOF || p.startsDeclaration() && p.reserved(p.tok.text):
			if d.Name.Name != "" {
				p.errorf(p.tok.pos, `expected "}" to close %s, found %s`, Quote(d.Name.Name), p.found())
			}
			return p.tok.pos
		default:
			p.oneMember(d)
		}
	}
}

// oneMember reads a member and what ends it, or passes what is no member.
func (p *parser) oneMember(d *Definition) {
	start := p.tok.pos
	if p.broken && p.tok.kind != tWord && p.tok.kind != tEllipsis {
		p.skips = true // what goes on with a member that was given up
	}
	before := len(d.Members)
	ok := p.member(d)
	if len(d.Members) > before {
		p.ended(d.Members[before])
	}
	p.broken = !(ok && p.endOfMember())
	p.skips = false
	if !p.broken {
		return
	}
	p.skip(func() bool {
		switch p.tok.kind {
		case tNewline, tSemicolon, tRBrace:
			return true
		}
		return p.tok.first && p.tok.pos != start && p.startsMember()
	})
}

// ended notes where a member ends.
func (p *parser) ended(m Member) {
	switch m := m.(type) {
	case *Relation:
		m.End = p.end
	case *Permission:
		m.End = p.end
	case *Constraint:
		m.End = p.end
	}
}

// startsMember reports whether the current token is one with which a member
// begins.
func (p *parser) startsMember() bool {
	return p.at(wordRelation) || p.at(wordPermission) || p.at(wordConstraint) || p.tok.kind == tEllipsis
}

func (p *parser) endOfMember() bool {
	switch p.tok.kind {
	case tNewline, tSemicolon, tRBrace, tEOF:
		return true
	}
	return p.expected("the end of the line")
}

func (p *parser) member(d *Definition) bool {
	if p.tok.kind == tEllipsis {
		return p.spread(d)
	}
	if p.tok.kind.joins() {
		p.errorf(p.tok.pos, "a line cannot begin with %s: write it at the end of the line before", p.tok.describe())
		return false
	}
	if p.tok.kind != tWord {
		return p.expected(`a relation, a permission or "}"`)
	}
	word := p.tok.text
	switch {
	case word == wordRelation, word == wordPermission, word == wordConstraint:
	case p.reserved(word):
		return p.expected(`a relation, a permission or "}"`)
	default:
		hint := suggest(word, memberWords())
		if hint == "" {
			hint = ": a member begins with relation or permission"
		}
		p.errorf(p.tok.pos, "unknown member %s%s", Quote(word), hint)
		near := Nearest(word, memberWords())
		p.fix(p.tok.pos, near)
		word = near
	}
	switch word {
	case wordRelation:
		return p.relation(d)
	case wordPermission:
		return p.permission(d)
	case wordConstraint:
		return p.constraint(d)
	}
	return false
}

func (p *parser) relation(d *Definition) bool {
	m := &Relation{Pos: p.tok.pos, Doc: p.tok.comments}
	p.next()
	var ok bool
	if m.Name, ok = p.name("the name of a relation"); !ok {
		return false
	}
	p.check(m.Name, "the name of a relation", nameFault(m.Name.Name))
	d.Members = append(d.Members, m)
	if p.tok.kind == tEquals {
		p.errorf(p.tok.pos, `a relation has ":" and the types it allows; "=" belongs to a permission`)
		return false
	}
	if !p.take(tColon, `":" and the types that the relation allows`) {
		return false
	}
	for {
		a, ok := p.allowed()
		if a != nil {
			m.Allowed = append(m.Allowed, a)
		}
		if !ok {
			return false
		}
		if !p.accept(tPipe) {
			break
		}
	}
	if p.tok.kind.isOperator() || p.tok.kind == tComma {
		p.errorf(p.tok.pos, `the types of a relation are joined with "|", not %s`, p.tok.describe())
		return false
	}
	return true
}

// allowed reads one subject type. What it read before a fault counts.
func (p *parser) allowed() (*Allowed, bool) {
	a := &Allowed{}
	var ok bool
	if a.Type, ok = p.path("a type"); !ok {
		return nil, false
	}
	switch {
	case p.accept(tColon):
		a.Wildcard = true
		if !p.take(tStar, `"*" (a relation allows type, type:* or type#relation)`) {
			return a, false
		}
	case p.accept(tHash):
		rel := Ident{Pos: p.tok.pos, Name: p.tok.text}
		if !p.accept(tEllipsis) {
			if rel, ok = p.name(`a relation, a permission or "..."`); !ok {
				return a, false
			}
		}
		a.Relation = &rel
	}
	if p.at("with") {
		p.next()
		return a, p.traits(a)
	}
	return a, true
}

// traits reads what follows "with".
func (p *parser) traits(a *Allowed) bool {
	if p.at("expiration") {
		a.Expiration = true
		p.next()
		if p.at("and") {
			p.errorf(p.tok.pos, `the caveat comes first: "with name and expiration"`)
			return false
		}
		return true
	}
	caveat, ok := p.path("a caveat")
	if !ok {
		return false
	}
	a.Caveat = &caveat
	if p.tok.kind != tWord || p.tok.text != "and" {
		return true
	}
	if !p.used["expiration"] {
		p.needsFlag("expiration", `"and expiration"`)
		return false
	}
	p.next()
	if !p.at("expiration") {
		return p.expected(`"expiration" (a type takes at most one caveat)`)
	}
	a.Expiration = true
	p.next()
	return true
}

func (p *parser) permission(d *Definition) bool {
	m := &Permission{Pos: p.tok.pos, Doc: p.tok.comments}
	p.next()
	var ok bool
	if m.Name, ok = p.name("the name of a permission"); !ok {
		return false
	}
	p.check(m.Name, "the name of a permission", nameFault(m.Name.Name))
	d.Members = append(d.Members, m)
	if p.accept(tColon) {
		for {
			t, ok := p.path("a type")
			if !ok {
				return false
			}
			p.check(t, "the type", definitionFault(t.Name))
			m.Types = append(m.Types, t)
			if !p.accept(tPipe) {
				break
			}
		}
	}
	if !p.take(tEquals, `"=" and the expression of the permission`) {
		return false
	}
	p.parens, p.operand = 0, 0
	m.Expr, ok = p.expr()
	return ok
}

// spread reads "...name".
func (p *parser) spread(d *Definition) bool {
	m := &Spread{Pos: p.tok.pos, Doc: p.tok.comments}
	p.needsFlag("partial", "taking over a partial")
	p.next()
	var ok bool
	if m.Name, ok = p.path("the name of a partial"); ok {
		d.Members = append(d.Members, m)
	}
	return ok
}

func (p *parser) constraint(d *Definition) bool {
	m := &Constraint{Pos: p.tok.pos, Doc: p.tok.comments}
	p.needsFlag("constraint", "a constraint")
	p.next()
	var ok bool
	if m.Name, ok = p.name("the name of a constraint"); !ok {
		return false
	}
	p.check(m.Name, "the name of a constraint", nameFault(m.Name.Name))
	if !p.take(tEquals, `"=" and the kind of the constraint`) {
		return false
	}
	kinds := ConstraintKinds()
	if m.Kind, ok = p.name("the kind of a constraint: " + strings.Join(kinds, ", ")); !ok {
		return false
	}
	if !isOneOf(m.Kind.Name, kinds) {
		p.errorf(m.Kind.Pos, "unknown kind of constraint %s; the kinds are %s%s", Quote(m.Kind.Name), strings.Join(kinds, ", "), suggest(m.Kind.Name, kinds))
		p.fix(m.Kind.Pos, Nearest(m.Kind.Name, kinds))
	}
	d.Members = append(d.Members, m)
	if !p.take(tLParen, `"(" and the relations of the constraint`) {
		return false
	}
	for {
		r, ok := p.name("a relation")
		if !ok {
			return false
		}
		m.Relations = append(m.Relations, r)
		if !p.accept(tComma) {
			return p.closing(`"," or ")"`)
		}
	}
}

func isOneOf(s string, list []string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
