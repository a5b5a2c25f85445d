package syntax

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// scattered uses the whole grammar, for TestScatter to spoil.
const scattered = `use expiration use self use partial use constraint use import import "x" import 'y'
	partial base/one { relation owner: user }
	definition user {} definition tenant/group { ...base/one
	relation member: user | user:* | tenant/group#member with ops/c and expiration | user#... with expiration | user#... ;
	permission view: user | tenant/group = (member + owner - nil) & self + owner->view - (owner.any(view) + owner.all(view))
	constraint one = exclusive(owner, member)
	permission edit = view }
	caveat ops/c(a int, b list<map<any>>, c map<int>) { a > 1 && b == {"}": 1}["}"] }
	caveat dot(d string) { d == '''
	} two ''' }`

// TestScatter puts comments and line breaks between the tokens of a text, and
// checks that every one that is still a schema passes the properties: above
// all, that the layout keeps comments and moves nothing that has a meaning.
func TestScatter(t *testing.T) {
	const rounds = 1000
	read := 0
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 0))
		src := scatter(random, scattered)
		if _, errs := Parse(src); len(errs) == 0 {
			read++
		}
		verify(t, src)
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, src)
		}
	}
	if read < rounds/4 {
		t.Errorf("only %d of %d texts are schemas", read, rounds)
	}
}

// scatter separates the tokens of src by random white space and comments;
// mostly by such as leave it a schema.
func scatter(random *rand.Rand, src string) string {
	p := newParser(src)
	p.record = true
	p.parse()
	var b strings.Builder
	var last tokenKind
	for i, tok := range p.tokens {
		if tok.kind != tCEL && last != tCEL {
			trivia(random, &b, last.endsMember() || last == tGreater, i)
		}
		if tok.kind == tNewline {
			b.WriteByte('\n')
		} else {
			b.WriteString(tok.text)
		}
		last = tok.kind
	}
	return b.String()
}

// trivia writes what may stand between two tokens. Behind one that a newline
// would end, it is a newline only rarely.
func trivia(random *rand.Rand, b *strings.Builder, ends bool, n int) {
	b.WriteByte(' ')
	for random.IntN(4) == 0 {
		switch k := random.IntN(6); {
		case k == 0 && (!ends || random.IntN(200) == 0):
			fmt.Fprintf(b, "// %d \n\t", n)
		case k == 1 && (!ends || random.IntN(200) == 0):
			b.WriteString(strings.Repeat("\n", 1+random.IntN(3)))
		case k == 2:
			fmt.Fprintf(b, "/* %d\n  * and */", n)
		case k == 3:
			fmt.Fprintf(b, "/*%d\n\nmore  \n  */", n)
		case k == 4:
			fmt.Fprintf(b, " /* %d */ ", n)
		case k == 5:
			b.WriteString("\t ")
		}
	}
}
