package syntax

import "strings"

// Format gives a schema text its one layout: tabs, one declaration or member a
// line, a blank line between declarations, at most one between members. Order,
// comments, CEL and line breaks after an operator or a comma are the author's.
// The result reads as the same tree, and formatting it again changes nothing.
// A text with faults is refused with an [ErrorList].
//
// The layout uses none of the freedoms that other readers of the language lack:
// no line begins with an operator, "{" or a closing ")", no member shares its
// line with "}", and a member that ends in "..." gets a semicolon.
func Format(src string) (string, error) {
	p := newParser(src)
	p.record = true
	p.parse()
	p.errs.Sort()
	if err := p.errs.Err(); err != nil {
		return "", err
	}
	f := formatter{start: true}
	for _, t := range movable(p.tokens) {
		f.token(t)
	}
	if f.out.Len() > 0 {
		f.out.WriteByte('\n')
	}
	return f.out.String(), nil
}

// movable moves each line comment that follows ">" back to where the line may
// end: what follows ">" may not begin a line.
func movable(tokens []token) []token {
	open := 0 // the token after which a line may end
	for i := range tokens {
		if i > 0 && tokens[i-1].kind == tGreater {
			var stay []*Comment
			for _, c := range tokens[i].comments {
				if c.isLine() {
					tokens[open+1].comments = append(tokens[open+1].comments, c)
				} else {
					stay = append(stay, c)
				}
			}
			tokens[i].comments = stay
		}
		switch tokens[i].kind {
		case tLParen, tComma:
			open = i
		}
	}
	return tokens
}

// formatter writes the tokens of a text without faults. It works on tokens,
// not on the tree, because a comment may stand between any two of them.
type formatter struct {
	out   strings.Builder
	depth int // 1 between the braces of a definition or partial, else 0

	// start is whether the next token begins a declaration or member, or closes
	// a definition.
	start bool
	head  string    // the word that began the current declaration
	prev  tokenKind // the last token written
	lead  bool      // that token began a member
	line  int       // the line of the source on which the last thing written ends
	empty bool      // nothing stands yet on the lines below the last "{"
}

func (f *formatter) token(t token) {
	switch {
	case t.kind == tNewline || t.kind == tSemicolon:
		f.endMember()
		f.trail(t.comments)
		f.line = t.pos.Line
		f.start = true
		return
	case t.kind == tEOF:
		f.leadComments(t)
		return
	case t.kind == tRBrace:
		f.closeBrace(t)
	case t.kind == tCEL:
		f.out.WriteString(layCEL(t.text, t.verbatim))
	case f.start:
		f.leadComments(t)
		f.begin(t)
	default:
		f.inside(t)
	}
	f.lead = f.start
	f.start = false
	f.prev, f.line = t.kind, t.pos.Line
	f.after(t)
}

// after notes what has ended or begun with t.
func (f *formatter) after(t token) {
	switch {
	case t.kind == tRBrace:
		f.depth, f.start = 0, true
	case t.kind == tLBrace && f.head != wordCaveat:
		f.depth, f.start, f.empty = 1, true, true
	case f.depth == 0 && !f.lead && (f.head == wordUse || f.head == wordImport):
		f.start = true
	}
}

// begin writes the first token of a declaration or member.
func (f *formatter) begin(t token) {
	if len(t.comments) == 0 && f.keepsTogether(t) {
		f.newline(0)
	} else {
		f.ownLine(t.pos.Line, len(t.comments) == 0)
	}
	if f.depth == 0 {
		f.head = t.text
	}
	f.write(t.text)
}

// keepsTogether reports whether t begins a declaration that has no blank line
// before it because it is one line, as the one before it is.
func (f *formatter) keepsTogether(t token) bool {
	return f.depth == 0 && f.head == t.text && (t.text == wordUse || t.text == wordImport)
}

// ownLine begins the line of a declaration, member or comment. The first thing
// after a declaration has a blank line before it; elsewhere it is the author's.
func (f *formatter) ownLine(line int, firstAfterDecl bool) {
	blank := line-f.line > 1
	if f.depth == 0 && firstAfterDecl {
		blank = true
	}
	if blank && !f.empty && f.out.Len() > 0 {
		f.out.WriteByte('\n')
	}
	f.empty = false
	f.newline(0)
}

// leadComments writes the comments before the first token of a declaration or
// member, before "}" and before the end of the text.
func (f *formatter) leadComments(t token) {
	for i, c := range t.comments {
		together := t.pos.Line == c.endLine() && t.kind != tRBrace
		switch {
		case i == 0 && f.prev == tLBrace && !c.Own && !together, i > 0 && !c.Own:
			f.out.WriteByte(' ')
		case i == 0 && f.keepsTogether(t):
			f.ownLine(c.Pos.Line, false)
		default:
			f.ownLine(c.Pos.Line, i == 0)
		}
		f.comment(c, 0)
	}
}

// endMember ends the line of a member. Only we take a newline after "..." for
// its end.
func (f *formatter) endMember() {
	if f.prev == tEllipsis {
		f.out.WriteByte(';')
		f.prev = tSemicolon
	}
}

// trail writes comments that stand behind a member or declaration.
func (f *formatter) trail(comments []*Comment) {
	for _, c := range comments {
		if f.out.Len() > 0 {
			f.out.WriteByte(' ')
		}
		f.comment(c, 0)
	}
}

func (f *formatter) closeBrace(t token) {
	if f.start {
		f.leadComments(t)
	} else {
		f.endMember()
		f.trail(t.comments)
	}
	if f.prev != tLBrace || len(t.comments) > 0 {
		f.depth = 0
		f.newline(0)
	}
	f.empty = false
	f.write("}")
}

// inside writes a token that begins neither a declaration nor a member, with
// the comments before it.
func (f *formatter) inside(t token) {
	mayBreak := !f.prev.endsMember() && f.prev != tGreater
	mustBreak := false
	line := f.line
	for i, c := range t.comments {
		switch {
		case mustBreak || mayBreak && c.Pos.Line > line:
			f.newline(1)
		case i > 0 || c.isLine() || f.prev != tLParen && f.prev != tLess:
			f.out.WriteByte(' ')
		}
		f.comment(c, 1)
		mustBreak, line = c.isLine(), c.endLine()
	}
	if len(t.comments) == 0 {
		mayBreak = f.prev.isOperator() || f.prev == tComma
	}
	switch {
	case mustBreak || mayBreak && t.pos.Line > line:
		f.newline(1)
	case len(t.comments) > 0 && !t.kind.clings(), len(t.comments) == 0 && f.spaced(t.kind):
		f.out.WriteByte(' ')
	}
	f.write(t.text)
}

// spaced reports whether a space stands between the last token and one of
// kind next.
func (f *formatter) spaced(next tokenKind) bool {
	switch f.prev {
	case tHash, tArrow, tDot, tSlash, tLParen, tLess:
		return false
	case tWord:
		return next != tLParen && !next.clings()
	case tEllipsis:
		return !f.lead
	}
	return !next.clings()
}

// newline begins a line, indented deeper by more.
func (f *formatter) newline(more int) {
	if f.out.Len() > 0 {
		f.out.WriteByte('\n')
	}
	f.out.WriteString(strings.Repeat("\t", f.depth+more))
}

func (f *formatter) write(s string) { f.out.WriteString(s) }

// comment writes a comment. The lines of a block are lined up under its first
// when each begins with a star, and else left where they are.
func (f *formatter) comment(c *Comment, more int) {
	f.line = c.endLine()
	lines := c.lines()
	stars := !c.isLine()
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\f\v")
		stars = stars && (i == 0 || strings.HasPrefix(strings.TrimLeft(l, " \t"), "*"))
	}
	if stars {
		for i, l := range lines[1:] {
			lines[i+1] = strings.Repeat("\t", f.depth+more) + " " + strings.TrimLeft(l, " \t")
		}
	}
	f.write(strings.Join(lines, "\n"))
}

func (c *Comment) isLine() bool { return strings.HasPrefix(c.Text, "//") }

func (c *Comment) lines() []string {
	text := strings.ReplaceAll(c.Text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

func (c *Comment) endLine() int { return c.Pos.Line + len(c.lines()) - 1 }

// layCEL gives the body of a caveat lines of its own below the opening brace.
// They are indented by one tab, and keep their indentation among themselves;
// a verbatim body keeps what it has.
func layCEL(body string, verbatim bool) string {
	const space = " \t\r\n\f"
	text := strings.TrimRight(body, space)
	first := len(text) - len(strings.TrimLeft(text, space))
	begin := strings.LastIndexByte(text[:first], '\n')
	switch {
	case text == "":
		return ""
	case begin < 0:
		text = "\t" + text[first:]
	default:
		text = text[begin+1:]
	}
	if verbatim {
		return "\n" + text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, space)
	}
	if begin < 0 {
		lines[0] = lines[0][1:]
		unindent(lines[1:])
	} else {
		unindent(lines)
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteByte('\n')
		if l != "" {
			b.WriteString("\t" + l)
		}
	}
	return b.String()
}

// unindent removes the indentation that all lines share; blank lines have none.
func unindent(lines []string) {
	shared, found := "", false
	for _, l := range lines {
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		switch {
		case l == "":
		case !found:
			shared, found = indent, true
		default:
			for !strings.HasPrefix(indent, shared) {
				shared = shared[:len(shared)-1]
			}
		}
	}
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, shared)
	}
}
