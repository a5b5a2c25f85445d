package enginetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// value is what an operand of a condition is; unknown values have no data.
type value struct {
	known bool
	data  any // int64, string or bool
}

// condition decides the caveats that random worlds use, while it reads them:
//
//	any   = all { "||" all } .
//	all   = term { "&&" term } .
//	term  = "!" term | "(" any ")" | value [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value ] .
//	value = name | integer | string .
//
// Its only purpose is to be another implementation than CEL.
type condition struct {
	tokens []string
	values map[string]any
	err    error
}

// decide returns what the caveat body says of the values: No, Conditional or Yes.
func decide(body string, values map[string]any) (Outcome, error) {
	c := &condition{values: values}
	c.scan(body)
	v := c.any()
	if c.err == nil && len(c.tokens) > 0 {
		c.fail("unexpected %q", c.tokens[0])
	}
	if c.err != nil {
		return No, fmt.Errorf("reading caveat body %q: %w", body, c.err)
	}
	return v, nil
}

func (c *condition) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *condition) scan(body string) {
	for body = strings.TrimSpace(body); body != ""; body = strings.TrimSpace(body) {
		n := 1
		switch first := rune(body[0]); {
		case first == '"':
			end := strings.IndexByte(body[1:], '"')
			if end < 0 {
				c.fail("unclosed string")
				return
			}
			n = end + 2
		case unicode.IsLetter(first) || unicode.IsDigit(first):
			for n < len(body) && (body[n] == '_' || unicode.IsLetter(rune(body[n])) || unicode.IsDigit(rune(body[n]))) {
				n++
			}
		case len(body) > 1 && strings.Contains("== != <= >= && ||", body[:2]):
			n = 2
		}
		c.tokens = append(c.tokens, body[:n])
		body = body[n:]
	}
}

// next takes the next token if it is one of those given, or any if none is.
func (c *condition) next(accept ...string) (string, bool) {
	if len(c.tokens) == 0 {
		return "", false
	}
	t := c.tokens[0]
	ok := len(accept) == 0
	for _, a := range accept {
		ok = ok || t == a
	}
	if ok {
		c.tokens = c.tokens[1:]
	}
	return t, ok
}

func (c *condition) any() Outcome {
	v := c.all()
	for {
		if _, ok := c.next("||"); !ok {
			return v
		}
		v = max(v, c.all())
	}
}

func (c *condition) all() Outcome {
	v := c.term()
	for {
		if _, ok := c.next("&&"); !ok {
			return v
		}
		v = min(v, c.term())
	}
}

func (c *condition) term() Outcome {
	if _, ok := c.next("!"); ok {
		return not(c.term())
	}
	if _, ok := c.next("("); ok {
		v := c.any()
		if _, ok := c.next(")"); !ok {
			c.fail("missing )")
		}
		return v
	}
	x := c.value()
	op, ok := c.next("==", "!=", "<", "<=", ">", ">=")
	if !ok {
		b, isBool := x.data.(bool)
		switch {
		case !x.known:
			return Conditional
		case !isBool:
			c.fail("%v is not a bool", x.data)
		}
		return truth(b)
	}
	return c.compare(x, op, c.value())
}

func (c *condition) compare(x value, op string, y value) Outcome {
	switch {
	case !x.known || !y.known:
		return Conditional
	case op == "==":
		return truth(x.data == y.data)
	case op == "!=":
		return truth(x.data != y.data)
	}
	a, aok := x.data.(int64)
	b, bok := y.data.(int64)
	if !aok || !bok {
		c.fail("%v %s %v does not compare integers", x.data, op, y.data)
		return No
	}
	switch op {
	case "<":
		return truth(a < b)
	case "<=":
		return truth(a <= b)
	case ">":
		return truth(a > b)
	}
	return truth(a >= b)
}

func (c *condition) value() value {
	t, ok := c.next()
	switch {
	case !ok:
		c.fail("missing value")
		return value{}
	case t[0] == '"':
		return value{true, t[1 : len(t)-1]}
	case unicode.IsDigit(rune(t[0])):
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			c.fail("%q is not an integer", t)
		}
		return value{true, n}
	}
	switch v := c.values[t].(type) {
	case nil:
		return value{}
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			c.fail("%s is not an integer", v)
		}
		return value{true, n}
	default:
		return value{true, v}
	}
}
