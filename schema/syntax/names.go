package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The sizes of names, in bytes.
const (
	minName = 3
	maxName = 64
	maxPath = 128
)

// Flags gives the words that "use" knows, sorted.
func Flags() []string {
	return []string{"constraint", "expiration", "import", "partial", "self", "typechecking"}
}

// flagOf gives the flag under which word is reserved, "" when none reserves it.
func flagOf(word string) string {
	switch word {
	case "and":
		return "expiration"
	case "constraint", "expiration", "import", "partial", "self", "typechecking":
		return word
	}
	return ""
}

// reservedWords are reserved everywhere, whatever is used.
var reservedWords = map[string]bool{
	"definition": true, "caveat": true, "relation": true, "permission": true, "nil": true, "with": true,
}

// celReserved are the words that CEL does not take as an identifier.
var celReserved = map[string]bool{
	"as": true, "break": true, "const": true, "continue": true, "else": true, "false": true,
	"for": true, "function": true, "if": true, "import": true, "in": true, "let": true,
	"loop": true, "namespace": true, "null": true, "package": true, "return": true,
	"true": true, "var": true, "void": true, "while": true,
}

// ConstraintKinds gives the kinds of constraint, in a fixed order.
func ConstraintKinds() []string { return []string{"exclusive", "at_most_one", "at_least_one"} }

// nameFault says what is wrong with name as the name of a relation or
// permission or as one part of a definition's name; "" when nothing is.
func nameFault(name string) string {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9') {
			r, _ := utf8.DecodeRuneInString(name[i:])
			return fmt.Sprintf("has %q, but only a to z, 0 to 9 and _ are allowed", r)
		}
	}
	switch {
	case len(name) < minName:
		return fmt.Sprintf("is too short: at least %d characters are needed", minName)
	case len(name) > maxName:
		return fmt.Sprintf("is too long: it has %d characters, at most %d are allowed", len(name), maxName)
	case name[0] < 'a' || name[0] > 'z':
		return "must begin with a letter"
	case name[len(name)-1] == '_':
		return "must not end with _"
	}
	return ""
}

// definitionFault says what is wrong with the name of a definition or partial.
func definitionFault(path string) string {
	if len(path) > maxPath {
		return fmt.Sprintf("is too long: it has %d bytes, at most %d are allowed", len(path), maxPath)
	}
	for part := range strings.SplitSeq(path, "/") {
		if fault := nameFault(part); fault != "" {
			if part == path {
				return fault
			}
			return "has the part " + Quote(part) + ", which " + fault
		}
	}
	return ""
}

// caveatFault says what is wrong with the name of a caveat.
func caveatFault(path string) string {
	if len(path) > maxPath {
		return fmt.Sprintf("is too long: it has %d bytes, at most %d are allowed", len(path), maxPath)
	}
	for _, r := range path {
		if r >= utf8.RuneSelf {
			return fmt.Sprintf("has %q, but only letters from a to z and A to Z, digits, _ and / are allowed", r)
		}
	}
	return ""
}

// paramFault says what is wrong with the name of a caveat's parameter.
func paramFault(name string) string {
	if celReserved[name] {
		return "is a reserved word of CEL"
	}
	for i, r := range name {
		if r >= utf8.RuneSelf {
			return fmt.Sprintf("has %q, but only letters from a to z and A to Z, digits and _ are allowed", r)
		}
		if i == 0 && '0' <= r && r <= '9' {
			return "must not begin with a digit"
		}
	}
	return ""
}

// maxQuoted is how many bytes of a name a message shows at most.
const maxQuoted = 70

// Quote puts a name into double quotes for a message and cuts a huge one.
func Quote(name string) string {
	if len(name) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(name[:maxQuoted], "")) + "…"
	}
	return strconv.Quote(name)
}

// Nearest gives the one of known that name was most likely meant to be, "" when
// none is near. It counts the letters to change, insert, remove or swap with
// their neighbour; one in three may differ, but at least one and at most three.
// The first of several that are equally near is given, never name itself.
func Nearest(name string, known []string) string {
	if len(name) > maxPath {
		return ""
	}
	best, limit := "", min(3, max(1, len(name)/3))
	for _, k := range known {
		if k == name || len(k) > maxPath || abs(len(k)-len(name)) > limit {
			continue
		}
		if d := distance(name, k, limit); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is the number of edits from a to b, or more than limit when there
// are more. Both have at most maxPath bytes.
func distance(a, b string, limit int) int {
	var rows [3][maxPath + 1]int // three of them, taken in turn
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
	}
	return rows[len(a)%3][len(b)]
}

func abs(n int) int { return max(n, -n) }

// suggest is the end of a message about an unknown name: "; did you mean x?"
// or nothing.
func suggest(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return "; did you mean " + Quote(near) + "?"
	}
	return ""
}
