package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// TextError says what is wrong in the text form of a relationship, object or
// subject, and where.
type TextError struct {
	Text   string
	Offset int // bytes from the start of Text
	Msg    string
}

func (e *TextError) Error() string {
	return fmt.Sprintf("%.200q, character %d: %s", e.Text, utf8.RuneCountInString(e.Text[:e.Offset])+1, e.Msg)
}

// reader of one text; the position moves forward only.
type textReader struct {
	text string
	pos  int
}

func (t *textReader) fail(at int, format string, args ...any) error {
	return &TextError{Text: t.text, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

// until returns the text up to the next of the stop bytes, or to the end.
func (t *textReader) until(stops string) string {
	start := t.pos
	if i := strings.IndexAny(t.text[start:], stops); i >= 0 {
		t.pos = start + i
	} else {
		t.pos = len(t.text)
	}
	return t.text[start:t.pos]
}

// expect consumes one byte.
func (t *textReader) expect(c byte, form string) error {
	if t.pos < len(t.text) && t.text[t.pos] == c {
		t.pos++
		return nil
	}
	return t.fail(t.pos, "%q is missing, the form is %s", rune(c), form)
}

func (t *textReader) object(form string) (Object, error) {
	start := t.pos
	typ := t.until(":#@[")
	if err := CheckTypeName(typ); err != nil {
		return Object{}, t.fail(start, "%v", err)
	}
	if err := t.expect(':', form); err != nil {
		return Object{}, err
	}
	start = t.pos
	id := t.until("#@[")
	if id != Wildcard {
		if err := CheckObjectID(id); err != nil {
			return Object{}, t.fail(start, "%v", err)
		}
	}
	return Object{Type: typ, ID: id}, nil
}

func (t *textReader) relation() (string, error) {
	start := t.pos
	name := t.until("@[")
	if err := CheckRelationName(name); err != nil {
		return "", t.fail(start, "%v", err)
	}
	return name, nil
}

const (
	objectForm       = "type:id"
	subjectForm      = "type:id or type:id#relation"
	relationshipForm = "type:id#relation@type:id"
)

// ParseObject reads "type:id". The wildcard is refused.
func ParseObject(text string) (Object, error) {
	t := &textReader{text: text}
	o, err := t.object(objectForm)
	if err != nil {
		return Object{}, err
	}
	if t.pos < len(text) {
		return Object{}, t.fail(t.pos, "the text should end here, the form is %s", objectForm)
	}
	if o.ID == Wildcard {
		return Object{}, t.fail(len(text)-1, "the wildcard * is no object: name one id")
	}
	return o, nil
}

// ParseSubject reads "type:id", "type:*" or "type:id#relation"; "type:id#..."
// is "type:id".
func ParseSubject(text string) (Subject, error) {
	t := &textReader{text: text}
	s, err := t.subject()
	if err != nil {
		return Subject{}, err
	}
	if t.pos < len(text) {
		return Subject{}, t.fail(t.pos, "the text should end here, the form is %s", subjectForm)
	}
	return s, nil
}

func (t *textReader) subject() (Subject, error) {
	o, err := t.object(subjectForm)
	if err != nil {
		return Subject{}, err
	}
	s := Subject{Object: o}
	if t.pos >= len(t.text) || t.text[t.pos] != '#' {
		return s, nil
	}
	t.pos++
	start := t.pos
	if strings.HasPrefix(t.text[t.pos:], "...") {
		t.pos += len("...")
		return s, nil
	}
	if s.Relation, err = t.relation(); err != nil {
		return Subject{}, err
	}
	if s.IsWildcard() {
		return Subject{}, t.fail(start-1, "the wildcard * has no relations")
	}
	return s, nil
}

// ParseRelationship reads the text form:
//
//	type:id#relation@type:id[#relation] [caveat] or [caveat:{json}] [expiration:TIME]
//
// (without the spaces; both brackets may be absent). TIME is RFC 3339. The
// names are checked for their form only; Validate checks them against a schema.
func ParseRelationship(text string) (Relationship, error) {
	t := &textReader{text: text}
	resource, err := t.object(relationshipForm)
	if err != nil {
		return Relationship{}, err
	}
	if resource.ID == Wildcard {
		return Relationship{}, t.fail(t.pos-1, "a resource cannot be the wildcard *: only subjects can")
	}
	if err := t.expect('#', relationshipForm); err != nil {
		return Relationship{}, err
	}
	relation, err := t.relation()
	if err != nil {
		return Relationship{}, err
	}
	if err := t.expect('@', relationshipForm); err != nil {
		return Relationship{}, err
	}
	subject, err := t.subject()
	if err != nil {
		return Relationship{}, err
	}
	trait, err := t.trait()
	if err != nil {
		return Relationship{}, err
	}
	return Relationship{Resource: resource, Relation: relation, Subject: subject, Trait: trait}, nil
}

const expirationPrefix = "[expiration:"

// trait reads what follows the subject, to the end of the text.
func (t *textReader) trait() (*Trait, error) {
	var trait Trait
	rest := t.text[t.pos:]
	if rest == "" {
		return nil, nil
	}
	moment, expires := strings.CutPrefix(rest, expirationPrefix)
	if strings.HasPrefix(rest, "[") && (!expires || strings.HasPrefix(moment, "{")) { // a caveat may be called "expiration"
		if err := t.caveat(&trait); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(t.text[t.pos:], expirationPrefix) {
		if err := t.expiration(&trait); err != nil {
			return nil, err
		}
	}
	if t.pos < len(t.text) {
		return nil, t.fail(t.pos, "after the subject come only [caveat] or [caveat:{…}], then [expiration:TIME], and nothing more")
	}
	return &trait, nil
}

func (t *textReader) caveat(trait *Trait) error {
	t.pos++
	start := t.pos
	trait.Caveat = t.until(":]")
	if err := CheckTypeName(trait.Caveat); err != nil {
		return t.fail(start, "%.80q is not the name of a caveat in text: 3 to 64 lower-case letters, digits and _, prefixes before /", trait.Caveat)
	}
	if t.pos < len(t.text) && t.text[t.pos] == ':' {
		t.pos++
		context, n, err := decodeContext(t.text[t.pos:])
		if err != nil {
			return t.fail(t.pos, "the context of caveat %s: %v", trait.Caveat, err)
		}
		switch {
		case len(context) == 0:
			return t.fail(t.pos, "the context of caveat %s is empty: leave it out", trait.Caveat)
		case strings.ContainsAny(t.text[t.pos:t.pos+n], "\r\n"):
			return t.fail(t.pos, "the context of caveat %s: the JSON must stand on one line", trait.Caveat)
		}
		trait.Context = context
		t.pos += n
	}
	return t.expect(']', "[caveat] or [caveat:{…}]")
}

func (t *textReader) expiration(trait *Trait) error {
	t.pos += len(expirationPrefix)
	start := t.pos
	text := t.until("]")
	at, err := ParseTime(text)
	if err != nil {
		return t.fail(start, "%v", err)
	}
	trait.Expires = at
	return t.expect(']', "[expiration:TIME]")
}

// ParseTime reads a moment of the years 1 to 9999 as RFC 3339 has it, with up to
// nine digits after the second, and returns it in UTC. It is never the zero Time.
func ParseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	at = at.UTC()
	_, fraction, _ := strings.Cut(text, ".")
	switch {
	case err != nil, text[len("2030-01-31T12")] != ':', strings.Contains(text, ","): // the last two time.Parse takes
		return time.Time{}, fmt.Errorf("%.60q is not a time as RFC 3339 has it, such as 2030-01-31T12:00:00Z", text)
	case !at.After(time.Time{}) || at.Year() > 9999:
		return time.Time{}, fmt.Errorf("%q is out of range: it must lie after 0001-01-01T00:00:00Z and before the year 10000, in UTC", text)
	case len(fraction)-len(strings.TrimLeft(fraction, "0123456789")) > len("123456789"):
		return time.Time{}, fmt.Errorf("%.60q is too fine: at most nine digits may follow the second", text)
	}
	return at, nil
}

// ParseContext reads a JSON object as the context of a caveat; an empty one is
// nil. Numbers keep their text.
func ParseContext(text string) (map[string]any, error) {
	context, n, err := decodeContext(text)
	if err != nil {
		return nil, err
	}
	if rest := strings.TrimSpace(text[n:]); rest != "" {
		return nil, fmt.Errorf("text after the JSON object: %.40q", rest)
	}
	if len(context) == 0 {
		return nil, nil
	}
	return context, nil
}

// decodeContext reads the JSON object at the start of text and returns how many
// bytes it took.
func decodeContext(text string) (map[string]any, int, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var context map[string]any
	if err := dec.Decode(&context); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, 0, errors.New("the JSON object is cut short")
		}
		if other := (*json.UnmarshalTypeError)(nil); errors.As(err, &other) {
			return nil, 0, fmt.Errorf("not a JSON object, but a JSON %s", other.Value)
		}
		return nil, 0, fmt.Errorf("not a JSON object: %w", err)
	}
	n := int(dec.InputOffset())
	if context == nil {
		return nil, 0, errors.New("null is not a JSON object")
	}
	return context, n, nil
}
