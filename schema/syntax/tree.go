package syntax

// File is the tree of one schema text.
type File struct {
	Decls []Decl // in source order

	// Comments holds every comment of the text in source order, those that are
	// attached to a node as Doc included; the formatter places them by position.
	Comments []*Comment
}

// Comment is one comment, as written (with its // or /* */).
type Comment struct {
	Pos  Pos
	Text string
	// Own is whether nothing but white space precedes the comment on its line.
	Own bool
}

// Ident is a name and where it stands. For a path (a definition's or a
// caveat's name) Name holds the whole "prefix/name", without white space.
type Ident struct {
	Pos  Pos
	Name string
}

// Decl is a declaration at file level: *Use, *Import, *Definition or *Caveat.
type Decl interface {
	Position() Pos
	decl()
}

// Use is "use flag".
type Use struct {
	Pos  Pos
	Doc  []*Comment
	Flag Ident
}

// Import is `import "path"`.
type Import struct {
	Pos     Pos
	Doc     []*Comment
	Path    string // unquoted
	PathPos Pos
}

// Definition is "definition name { … }" or "partial name { … }".
type Definition struct {
	Pos     Pos // of the keyword
	Doc     []*Comment
	Partial bool
	Name    Ident
	Members []Member
	Open    Pos // of the {
	Close   Pos // of the }
}

// Caveat is "caveat name(params) { CEL }".
type Caveat struct {
	Pos     Pos
	Doc     []*Comment
	Name    Ident
	Params  []*Param
	Body    string // the CEL text between the braces, as written
	BodyPos Pos    // of the first byte of Body
	Close   Pos    // of the }
}

// Param is one parameter of a caveat.
type Param struct {
	Name Ident
	Type *TypeRef
}

// TypeRef is the type of a caveat parameter: a name with arguments.
type TypeRef struct {
	Name Ident
	Args []*TypeRef
}

// String prints the type as in a schema: "map<list<int>>".
func (t *TypeRef) String() string {
	s := t.Name.Name
	for i, a := range t.Args {
		if i == 0 {
			s += "<"
		} else {
			s += ", "
		}
		s += a.String()
	}
	if len(t.Args) > 0 {
		s += ">"
	}
	return s
}

func (d *Use) Position() Pos        { return d.Pos }
func (d *Import) Position() Pos     { return d.Pos }
func (d *Definition) Position() Pos { return d.Pos }
func (d *Caveat) Position() Pos     { return d.Pos }
func (*Use) decl()                  {}
func (*Import) decl()               {}
func (*Definition) decl()           {}
func (*Caveat) decl()               {}

// Member is what stands in a definition: *Relation, *Permission, *Spread or
// *Constraint.
type Member interface {
	Position() Pos
	member()
}

// Relation is "relation name: allowed | …".
type Relation struct {
	Pos     Pos
	End     Pos // after its last character, or where a fault ended it
	Doc     []*Comment
	Name    Ident
	Allowed []*Allowed
}

// Allowed is one subject type that a relation allows.
type Allowed struct {
	Type       Ident
	Wildcard   bool   // type:*
	Relation   *Ident // type#relation; "..." is kept as written; nil when there is none
	Caveat     *Ident // with caveat; nil when there is none
	Expiration bool   // with expiration
}

// Permission is "permission name: types = expr".
type Permission struct {
	Pos   Pos
	End   Pos // as of a Relation
	Doc   []*Comment
	Name  Ident
	Types []Ident // the annotation; empty when there is none
	Expr  Expr
}

// Spread is "...name", which takes over the members of a partial.
type Spread struct {
	Pos  Pos
	Doc  []*Comment
	Name Ident
}

// Constraint is "constraint name = kind(relation, …)".
type Constraint struct {
	Pos       Pos
	End       Pos // as of a Relation
	Doc       []*Comment
	Name      Ident
	Kind      Ident
	Relations []Ident
}

func (m *Relation) Position() Pos   { return m.Pos }
func (m *Permission) Position() Pos { return m.Pos }
func (m *Spread) Position() Pos     { return m.Pos }
func (m *Constraint) Position() Pos { return m.Pos }
func (*Relation) member()           {}
func (*Permission) member()         {}
func (*Spread) member()             {}
func (*Constraint) member()         {}

// Expr is the body of a permission: *Nil, *Self, *Name, *Arrow, *Paren or
// *Binary. Precedence is in the tree; *Paren keeps what the author wrote.
type Expr interface {
	Position() Pos
	expr()
}

// Nil is the empty set.
type Nil struct{ Pos Pos }

// Self is the object itself.
type Self struct{ Pos Pos }

// Name refers to a relation or permission of the same object.
type Name struct{ Ident }

// ArrowOp is how an arrow is written and what it means.
type ArrowOp uint8

const (
	ArrowPlain ArrowOp = iota // left->right, the same as any
	ArrowAny                  // left.any(right)
	ArrowAll                  // left.all(right)
)

// Arrow is left->right, left.any(right) or left.all(right).
type Arrow struct {
	Left  Ident
	Op    ArrowOp
	Right Ident
}

// Paren is a parenthesized expression.
type Paren struct {
	Pos   Pos
	X     Expr
	Close Pos
}

// Binary is X op Y; a chain of one operator leans to the left.
type Binary struct {
	X     Expr
	Op    byte // '+', '&' or '-'
	OpPos Pos
	Y     Expr
}

func (x *Nil) Position() Pos    { return x.Pos }
func (x *Self) Position() Pos   { return x.Pos }
func (x *Name) Position() Pos   { return x.Ident.Pos }
func (x *Arrow) Position() Pos  { return x.Left.Pos }
func (x *Paren) Position() Pos  { return x.Pos }
func (x *Binary) Position() Pos { return x.X.Position() }
func (*Nil) expr()              {}
func (*Self) expr()             {}
func (*Name) expr()             {}
func (*Arrow) expr()            {}
func (*Paren) expr()            {}
func (*Binary) expr()           {}
