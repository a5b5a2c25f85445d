package syntax

// expr reads a permission's expression. Exclusion binds loosest, so
// "a - b + c" is "a - (b + c)".
func (p *parser) expr() (Expr, bool) { return p.chain(tMinus, p.inter) }

func (p *parser) inter() (Expr, bool) { return p.chain(tAmp, p.union) }

func (p *parser) union() (Expr, bool) { return p.chain(tPlus, p.operandOf) }

// chain reads one or more of sub, joined by op.
func (p *parser) chain(op tokenKind, sub func() (Expr, bool)) (Expr, bool) {
	x, ok := sub()
	for ok && p.tok.kind == op {
		b := &Binary{X: x, Op: p.tok.text[0], OpPos: p.tok.pos}
		p.next()
		b.Y, ok = sub()
		x = b
	}
	if !ok {
		return nil, false
	}
	return x, true
}

// operandOf reads an operand.
func (p *parser) operandOf() (Expr, bool) {
	if p.operand++; p.operand > MaxOperands {
		p.errorf(p.tok.pos, "the expression is too long: at most %d operands are allowed", MaxOperands)
		return nil, false
	}
	pos := p.tok.pos
	switch {
	case p.tok.kind == tLParen:
		return p.paren()
	case p.at("nil"):
		p.next()
		return &Nil{Pos: pos}, p.noArrow("nil")
	case p.at("self"):
		p.next()
		return &Self{Pos: pos}, p.noArrow("self")
	}
	name, ok := p.name(`a relation, a permission, nil or "("`)
	if !ok {
		return nil, false
	}
	switch p.tok.kind {
	case tArrow, tDot:
		return p.arrow(name)
	case tPipe:
		p.errorf(p.tok.pos, `a union in a permission is written with "+"; "|" joins the types of a relation`)
		return nil, false
	}
	return &Name{Ident: name}, true
}

func (p *parser) paren() (Expr, bool) {
	x := &Paren{Pos: p.tok.pos}
	if p.parens++; p.parens > MaxParens {
		p.errorf(p.tok.pos, "the expression is nested too deeply: at most %d parentheses inside one another are allowed", MaxParens)
		return nil, false
	}
	p.next()
	var ok bool
	if x.X, ok = p.expr(); !ok {
		return nil, false
	}
	x.Close = p.tok.pos
	if !p.closing(`an operator or ")"`) {
		return nil, false
	}
	p.parens--
	return x, p.noArrow("an expression in parentheses")
}

// noArrow refuses an arrow after what is no relation.
func (p *parser) noArrow(left string) bool {
	if p.tok.kind != tArrow && p.tok.kind != tDot {
		return true
	}
	p.errorf(p.tok.pos, "an arrow starts at a relation of the same definition, not at %s", left)
	return false
}

// arrow reads what follows the name on its left.
func (p *parser) arrow(left Ident) (Expr, bool) {
	x := &Arrow{Left: left}
	ok := false
	if p.accept(tArrow) {
		x.Right, ok = p.name("a relation or permission on the right of the arrow")
	} else {
		p.next()
		ok = p.function(x)
	}
	if !ok {
		return nil, false
	}
	p.check(x.Right, "the name", nameFault(x.Right.Name))
	if p.tok.kind == tArrow || p.tok.kind == tDot {
		p.errorf(p.tok.pos, "an arrow cannot go on from another arrow: write the second one as a permission of the definition that %s leads to", Quote(x.Left.Name))
		return nil, false
	}
	return x, true
}

// function reads "any(name)" or "all(name)".
func (p *parser) function(x *Arrow) bool {
	fn := p.tok
	switch {
	case fn.kind == tWord && fn.text == "any":
		x.Op = ArrowAny
	case fn.kind == tWord && fn.text == "all":
		x.Op = ArrowAll
	case fn.kind == tWord:
		p.errorf(fn.pos, "unknown function %s: only any and all may follow the dot", Quote(fn.text))
		return false
	default:
		return p.expected("any or all")
	}
	p.next()
	if !p.take(tLParen, `"("`) {
		return false
	}
	var ok bool
	if x.Right, ok = p.name("a relation or permission"); !ok {
		return false
	}
	return p.closing(`")"`)
}
