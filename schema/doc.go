// Package schema says what a schema means: which types there are, what their
// relations hold and what their permissions compute. [Compile] turns a text
// into a [Schema], resolved, checked and immutable; it is the only part of the
// language that the engine sees.
//
// The package knows nothing of relationships, requests or storage, and no CEL:
// a [CaveatCompiler] is passed in. Package schema/syntax knows how a text looks
// and nothing of meaning.
//
// # The language
//
//	use expiration
//	use constraint
//
//	definition user {}
//
//	definition group {
//		relation member: user | group#member
//	}
//
//	// A document is seen by who may edit it, and by what its folder says.
//	definition document {
//		relation folder: folder
//		relation owner: user
//		relation viewer: user | user:* | group#member with office_hours and expiration
//		relation banned: user
//		permission edit = owner + folder->edit
//		permission view = (edit + viewer) - banned
//		constraint one_owner = at_most_one(owner)
//	}
//
//	definition folder {
//		relation editor: user
//		permission edit = editor
//	}
//
//	caveat office_hours(hour int) {
//		hour >= 8 && hour < 18
//	}
//
// A relation holds relationships: "user" is subjects of a type, "user:*" every
// subject of it, "group#member" whoever is a member of a group. A caveat is a
// condition on a single relationship, an expiration its end. A permission is
// computed from the sets of the same object and, by arrows, of others:
//
//	a + b        in either; binds tightest
//	a & b        in both
//	a - b        in a and not in b; binds loosest, and to the left
//	rel->x       in x of any object that rel holds; the same as rel.any(x)
//	rel.all(x)   in x of every object that rel holds, and it holds one
//	nil          nothing
//	self         the object itself (use self)
//
// The grammar, with { } for repetition and [ ] for what may be missing:
//
//	file        = { use | import | partial } { import | partial | caveat | definition } .
//	use         = "use" flag .
//	flag        = "expiration" | "self" | "typechecking" | "partial" | "import" | "constraint" .
//	import      = "import" string .
//	definition  = "definition" path "{" { member } "}" .
//	partial     = "partial" path "{" { member } "}" .
//	member      = relation | permission | "..." name | constraint .
//	relation    = "relation" name ":" allowed { "|" allowed } .
//	allowed     = path [ ":" "*" | "#" ( name | "..." ) ] [ "with" traits ] .
//	traits      = path [ "and" "expiration" ] | "expiration" .
//	permission  = "permission" name [ ":" name { "|" name } ] "=" expr .
//	expr        = inter { "-" inter } .
//	inter       = union { "&" union } .
//	union       = operand { "+" operand } .
//	operand     = "nil" | "self" | name | arrow | "(" expr ")" .
//	arrow       = name "->" name | name "." ( "any" | "all" ) "(" name ")" .
//	caveat      = "caveat" path "(" param { "," param } ")" "{" CEL "}" .
//	param       = name type .
//	type        = word [ "<" type ">" ] .
//	constraint  = "constraint" name "=" kind "(" name { "," name } ")" .
//	kind        = "exclusive" | "at_most_one" | "at_least_one" .
//
// # What is refused, and why
//
// Every fault of a text is reported in one run, with its place; an unknown name
// with the nearest known one. A [syntax.ParseError] says that the text is no
// schema, a [syntax.TypeError] that it makes no sense:
//
//   - a name that is unknown, or means two things: nothing is guessed
//   - a permission, or a relation with a wildcard, on the left of an arrow:
//     the arrow goes to the objects that are stored, and there must be finitely many
//   - a userset of a relation that holds a wildcard: it would smuggle one in.
//     Permissions are not followed: there the author decided what is in them
//   - permissions of one object that refer only to each other: they hold nothing
//   - under "use typechecking", an annotation that omits what the permission can hold
//   - a constraint over anything but stored, lasting relationships
//   - a caveat that CEL does not take, or that has a parameter it does not use
//   - what multiplies beyond any use: 500,000 members once partials are
//     expanded, 4,000,000 types behind arrows, 1,000 parameters of a caveat
//
// What is allowed but hardly meant is a warning ([Schema.Warnings]): the right
// side of an arrow that types on its left lack, permissions of one object in a
// cycle, recursion through the right side of an exclusion, mixed operators
// without parentheses, sets that nobody can be in, caveats that nothing uses.
//
// # Where to read
//
// schema.go is the model. compile.go lists the phases; each has its file:
// load, declare, resolve, relations, permissions, constraints, flags, cycles
// and annotations check, graph, plan, edges, reach and lint precompute.
// canonical.go prints a schema, diff.go compares two, compat.go says what the
// stored relationships must not hold for one to replace the other.
package schema
