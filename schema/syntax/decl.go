package syntax

import (
	"strings"
	"unicode/utf8"
)

// The words with which a declaration begins.
const (
	wordUse        = "use"
	wordImport     = "import"
	wordPartial    = "partial"
	wordDefinition = "definition"
	wordCaveat     = "caveat"
)

func declarationWords() []string {
	return []string{wordUse, wordImport, wordPartial, wordDefinition, wordCaveat}
}

// startsDeclaration reports whether the current token is the first on its line
// and one with which a declaration can begin.
func (p *parser) startsDeclaration() bool {
	if p.tok.kind != tWord || !p.tok.first {
		return false
	}
	switch p.tok.text {
	case wordUse, wordImport, wordPartial, wordDefinition, wordCaveat:
		return true
	}
	return false
}

// declaration reads one declaration, or passes what is none.
func (p *parser) declaration() {
	switch p.tok.kind {
	case tNewline, tSemicolon:
		p.next()
		return
	case tRBrace:
		p.errorf(p.tok.pos, `unexpected "}": nothing is open here`)
		p.next()
		return
	}
	start := p.tok.pos
	word := ""
	if p.tok.kind == tWord {
		word = p.declarationWord()
	} else {
		p.expected("a declaration: " + strings.Join(declarationWords(), ", "))
	}
	if !p.declare(word) {
		p.skip(func() bool { return p.startsDeclaration() && p.tok.pos != start || p.tok.kind == tRBrace })
		p.accept(tRBrace)
	}
}

// declarationWord gives the word the current one is or, reporting it, was
// meant to be; "" for none.
func (p *parser) declarationWord() string {
	words := declarationWords()
	if isOneOf(p.tok.text, words) {
		return p.tok.text
	}
	hint := suggest(p.tok.text, words)
	if hint == "" {
		hint = ": a declaration begins with " + strings.Join(words, ", ")
	}
	p.errorf(p.tok.pos, "unknown declaration %s%s", Quote(p.tok.text), hint)
	near := Nearest(p.tok.text, words)
	p.fix(p.tok.pos, near)
	return near
}

// declare reads the declaration that begins with word.
func (p *parser) declare(word string) bool {
	switch word {
	case wordUse:
		return p.use()
	case wordImport:
		return p.importation()
	case wordPartial, wordDefinition:
		return p.definition(word)
	case wordCaveat:
		return p.caveat()
	}
	return false
}

// declared adds a declaration to the file.
func (p *parser) declared(d Decl) { p.file.Decls = append(p.file.Decls, d) }

// needsFlag reports that something is written that exists only under a flag.
func (p *parser) needsFlag(flag, what string) {
	if !p.used[flag] {
		p.errorf(p.tok.pos, "%s needs %q before the first definition", what, "use "+flag)
	}
}

func (p *parser) use() bool {
	d := &Use{Pos: p.tok.pos, Doc: p.tok.comments}
	p.next()
	if p.tok.kind != tWord {
		return p.expected("a flag after use: " + strings.Join(Flags(), ", "))
	}
	d.Flag = Ident{Pos: p.tok.pos, Name: p.tok.text}
	if p.sealed {
		p.errorf(d.Pos, `"use" must stand before the first definition or caveat`)
	}
	p.declared(d)
	if flagOf(d.Flag.Name) != d.Flag.Name {
		near := suggest(d.Flag.Name, Flags())
		if near == "" {
			near = "; the flags are " + strings.Join(Flags(), ", ")
		}
		p.errorf(d.Flag.Pos, "unknown flag %s%s", Quote(d.Flag.Name), near)
		p.fix(d.Flag.Pos, Nearest(d.Flag.Name, Flags()))
	} else {
		p.used[d.Flag.Name] = true
	}
	p.next()
	return true
}

func (p *parser) importation() bool {
	d := &Import{Pos: p.tok.pos, Doc: p.tok.comments}
	p.needsFlag("import", "an import")
	p.next()
	d.PathPos = p.tok.pos
	if p.tok.kind != tString {
		return p.expected(`the path to import, in double quotes`)
	}
	d.Path = p.tok.text[1 : len(p.tok.text)-1]
	p.declared(d)
	p.next()
	return true
}

// definition reads a definition or partial.
func (p *parser) definition(word string) bool {
	d := &Definition{Pos: p.tok.pos, Doc: p.tok.comments, Partial: word == wordPartial}
	if d.Partial {
		p.needsFlag("partial", "a partial")
	} else {
		p.sealed = true
	}
	p.next()
	var ok bool
	if d.Name, ok = p.path("the name of a " + word); !ok {
		return p.unnamed()
	}
	p.check(d.Name, "the name of a "+word, definitionFault(d.Name.Name))
	p.declared(d)
	d.Open = p.tok.pos
	if p.tok.kind == tNewline {
		p.errorf(p.tok.pos, `the "{" must stand on the line of the name`)
		p.next()
		d.Open = p.tok.pos
		if p.tok.kind != tLBrace {
			return false
		}
	}
	if !p.take(tLBrace, `"{"`) {
		return false
	}
	d.Close = p.members(d)
	return true
}

// unnamed goes on after a declaration whose name could not be read: its
// members are read for their faults and dropped.
func (p *parser) unnamed() bool {
	p.skip(func() bool {
		return p.tok.kind == tLBrace || p.tok.kind == tNewline || p.tok.kind == tRBrace || p.startsDeclaration()
	})
	if !p.accept(tLBrace) {
		return false
	}
	p.members(&Definition{})
	return true
}

func (p *parser) caveat() bool {
	c := &Caveat{Pos: p.tok.pos, Doc: p.tok.comments}
	p.sealed = true
	p.next()
	ok := p.caveatHead(c)
	if c.Name.Name != "" {
		p.declared(c)
	}
	if !ok {
		p.skip(func() bool { return p.tok.kind == tLBrace || p.startsDeclaration() })
	}
	if p.tok.kind != tLBrace {
		return ok && p.expected(`"{"`)
	}
	return p.caveatBody(c)
}

func (p *parser) caveatHead(c *Caveat) bool {
	var ok bool
	if c.Name, ok = p.path("the name of a caveat"); !ok {
		c.Name = Ident{}
		return false
	}
	p.check(c.Name, "the name of a caveat", caveatFault(c.Name.Name))
	if !p.take(tLParen, `"(" and the caveat's parameters`) {
		return false
	}
	if p.tok.kind == tRParen {
		p.errorf(p.tok.pos, "a caveat needs at least one parameter, as in %s(limit int)", c.Name.Name)
		p.next()
		return true
	}
	for {
		param := &Param{}
		if param.Name, ok = p.name("the name of a parameter"); !ok {
			return false
		}
		p.check(param.Name, "the name of a parameter", paramFault(param.Name.Name))
		if param.Type, ok = p.typeRef(0); !ok {
			return false
		}
		c.Params = append(c.Params, param)
		if !p.accept(tComma) {
			return p.closing(`"," or ")"`)
		}
	}
}

// typeRef reads the type of a parameter, nested in depth others.
func (p *parser) typeRef(depth int) (*TypeRef, bool) {
	if depth > MaxTypeNesting {
		p.errorf(p.tok.pos, "the type is nested too deeply: at most %d arguments inside one another are allowed", MaxTypeNesting)
		return nil, false
	}
	t := &TypeRef{}
	var ok bool
	if t.Name, ok = p.name("the type of the parameter"); !ok {
		return nil, false
	}
	if !p.accept(tLess) {
		return t, true
	}
	for {
		arg, ok := p.typeRef(depth + 1)
		if !ok {
			return nil, false
		}
		t.Args = append(t.Args, arg)
		if !p.accept(tComma) {
			return t, p.take(tGreater, `"," or ">"`)
		}
	}
}

// caveatBody reads from the opening brace to the closing one.
func (p *parser) caveatBody(c *Caveat) bool {
	open := p.tok.pos
	body := p.scanner.scanCEL()
	closed := !p.scanner.eof()
	if !closed {
		p.errorf(open, `this "{" is not closed: "}" is missing`)
		p.scanner.giveUp(&body)
	}
	if p.record {
		p.tokens = append(p.tokens, body)
	}
	c.Body, c.BodyPos = body.text, body.pos
	if n := utf8.RuneCountInString(body.text); n > MaxCEL {
		p.errorf(body.pos, "the expression is too long: it has %d characters, at most %d are allowed", n, MaxCEL)
	}
	p.next()
	c.Close = p.tok.pos
	return closed && p.accept(tRBrace) || p.startsDeclaration()
}

// closing passes a ")"; a line that begins with one has its own message.
func (p *parser) closing(what string) bool {
	if p.tok.kind == tNewline {
		p.errorf(p.tok.pos, `expected %s, found the end of the line: a line may end here only after an operator, "(" or ","`, what)
		return false
	}
	return p.take(tRParen, what)
}
