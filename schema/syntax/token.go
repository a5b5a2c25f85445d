package syntax

// tokenKind is what a token is. Words are all of kind tWord: which of them are
// reserved depends on the flags in force, so the parser decides it.
type tokenKind uint8

const (
	tEOF     tokenKind = iota
	tNewline           // a newline that ends what stands before it
	tIllegal           // something that was already reported
	tWord
	tString // a string literal with its quotes
	tCEL    // the body of a caveat, without its braces
	tLBrace
	tRBrace
	tLParen
	tRParen
	tLess
	tGreater
	tComma
	tColon
	tSemicolon
	tPipe
	tPlus
	tAmp
	tMinus
	tEquals
	tSlash
	tHash
	tStar
	tDot
	tArrow
	tEllipsis
)

// punctuation holds the tokens of one character.
var punctuation = [128]tokenKind{
	'{': tLBrace, '}': tRBrace, '(': tLParen, ')': tRParen, '<': tLess, '>': tGreater,
	',': tComma, ':': tColon, ';': tSemicolon, '|': tPipe, '+': tPlus, '&': tAmp,
	'-': tMinus, '=': tEquals, '/': tSlash, '#': tHash, '*': tStar, '.': tDot,
}

// token is one piece of the text, with the comments that stand between it and
// the token before.
type token struct {
	kind     tokenKind
	pos      Pos
	text     string // as written; empty for tEOF and tNewline
	comments []*Comment
	first    bool // no other token stands before it on its line
	verbatim bool // a tCEL whose lines the formatter must not move
}

// endsMember reports whether a newline after a token of this kind is a token.
// After a semicolon it changes nothing for the grammar, but it keeps a comment
// that trails the line from becoming the doc of what follows. After what could
// not be read it lets the next line be read.
func (k tokenKind) endsMember() bool {
	switch k {
	case tWord, tString, tRBrace, tRParen, tStar, tEllipsis, tSemicolon, tIllegal:
		return true
	}
	return false
}

// isOperator reports whether k joins two operands or two allowed types.
func (k tokenKind) isOperator() bool {
	switch k {
	case tPlus, tAmp, tMinus, tPipe:
		return true
	}
	return false
}

// clings reports whether no space stands before a token of this kind.
func (k tokenKind) clings() bool {
	switch k {
	case tColon, tHash, tArrow, tDot, tSlash, tStar, tRParen, tComma, tLess, tGreater:
		return true
	}
	return false
}

// joins reports whether a token of this kind goes on with what stands before
// it, so that no line may begin with it.
func (k tokenKind) joins() bool {
	return k.isOperator() || k.clings() || k == tLBrace || k == tEquals
}

// describe names the token for an error message.
func (t token) describe() string {
	switch t.kind {
	case tEOF:
		return "the end of the text"
	case tNewline:
		return "the end of the line"
	case tString:
		return "the string " + Quote(t.text[1:max(1, len(t.text)-1)])
	default:
		return Quote(t.text)
	}
}
