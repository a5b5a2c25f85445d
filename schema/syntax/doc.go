// Package syntax turns the text of a schema into a tree and back.
//
// [Parse] reads a text and gives the tree of what it could read together with
// every fault it found; one fault never hides the next declaration. [Format]
// gives a text its one layout. [ExprString] and the String methods of
// [Allowed], [Param] and [TypeRef] print single pieces.
//
// The package knows the grammar, the form of names and which words are
// reserved. It knows nothing of meaning: whether a type exists, what a
// permission computes and whether a caveat's CEL compiles is decided by
// package schema, which reads the tree.
//
// To find your way: pos.go (places and errors), tree.go (what a text becomes),
// then the stages in the order a text passes them: scanner.go and cel.go
// (text to tokens), parser.go, member.go and expr.go (tokens to tree),
// names.go (the form of names), print.go (pieces of tree to text), format.go
// (text to text).
//
// # Ends of members
//
// A newline after a word, "}", ")", "*", "..." or a string ends what stands
// before it, so the scanner hands it to the parser as a token of its own;
// after anything else it is white space. An expression therefore goes on in
// the next line when the line ends with an operator, and never when the next
// line begins with one.
//
// # Limits
//
// A text has at most [MaxText] bytes, a caveat's CEL [MaxCEL] characters, an
// expression [MaxParens] nested parentheses and [MaxOperands] operands, a
// parameter's type [MaxTypeNesting] nested arguments. After [MaxErrors] faults
// reading stops. Each limit that is reached is an error.
//
// Nothing in this package keeps state between calls: all functions may be used
// concurrently, and a tree may be read concurrently.
package syntax

// The limits of one schema text.
const (
	MaxText        = 4 << 20 // bytes of a text
	MaxCEL         = 100_000 // characters of a caveat's body
	MaxParens      = 100     // parentheses inside one another in an expression
	MaxOperands    = 10_000  // operands of one permission
	MaxTypeNesting = 20      // type arguments inside one another
	MaxErrors      = 10_000  // errors reported in one run
)
