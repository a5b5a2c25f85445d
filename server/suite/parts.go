package suite

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pemba-authz/pemba/engine"
)

// Parts are the parts of a validation file as texts of their own.
type Parts struct {
	Schema        string
	Relationships string // one a line
	Assertions    string // YAML: assertTrue, assertFalse and assertCaveated
	Expected      string // YAML: lists of lines under sets
}

// The names of parts in places.
const (
	PartSchema        = "schema"
	PartRelationships = "relationships"
	PartAssertions    = "assertions"
	PartExpected      = "expected relations"
)

// ReadParts reads a suite from its parts.
func (s *Suite) ReadParts(p Parts) {
	s.Compile(PartSchema, p.Schema, func(line, column int) Place { return Place{PartSchema, line, column} })
	number := 0
	for line := range strings.Lines(p.Relationships) {
		number++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		at := Place{PartRelationships, number, 0}
		r, err := engine.ParseRelationship(line)
		if err != nil {
			s.Fail(at, "%v", err)
			continue
		}
		s.Add(at, r)
	}
	s.readPart(PartAssertions, p.Assertions, (*Validation).readAssertions)
	s.readPart(PartExpected, p.Expected, (*Validation).readSets)
	s.File = PartRelationships
	s.JudgeConstraints()
}

// readPart reads a part that is YAML. One without content says nothing.
func (s *Suite) readPart(name, text string, read func(*Validation, *yaml.Node)) {
	s.File = name
	v := &Validation{Suite: s, lines: strings.Split(text, "\n")}
	if blank(text) {
		return
	}
	if root, ok := v.document([]byte(text)); ok {
		read(v, root)
	}
}

// blank reports whether a YAML text holds nothing but comments.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// Split takes a validation file apart. It reads no further than that: what the
// parts hold may be faulty. The problems are why it is none.
func Split(file string, data []byte) (Parts, []Problem) {
	s := &Suite{File: file}
	v, ok := s.OpenValidation(data)
	if !ok {
		return Parts{}, s.Errors
	}
	var p Parts
	for _, part := range []struct {
		key, file string
		to        *string
	}{{"schema", "schemaFile", &p.Schema}, {"relationships", "relationshipsFile", &p.Relationships}} {
		if n := v.keys[part.file]; !empty(n) {
			v.Fail(v.at(n), "%s: another file cannot be named here: put its text under %s", part.file, part.key)
		}
		if n := v.keys[part.key]; !empty(n) {
			*part.to, _ = v.text(n, part.key)
		}
	}
	for _, part := range []struct {
		key string
		to  *string
	}{{"assertions", &p.Assertions}, {"validation", &p.Expected}} {
		n := v.keys[part.key]
		if empty(n) {
			continue
		}
		text, err := printYAML(n)
		if err != nil {
			v.Fail(v.at(n), "%s: %v", part.key, err)
		}
		*part.to = text
	}
	return p, s.Errors
}

// printYAML prints a node by itself.
func printYAML(n *yaml.Node) (string, error) {
	var b bytes.Buffer
	out := yaml.NewEncoder(&b)
	out.SetIndent(2)
	if err := out.Encode(n); err != nil {
		return "", err
	}
	return b.String(), out.Close()
}

// Join makes a validation file of its parts. The problems are those of parts that
// are no YAML.
func Join(p Parts) (string, []Problem) {
	s := &Suite{}
	root := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, n *yaml.Node) {
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, n)
	}
	block := func(text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: text}
	}
	add("schema", block(p.Schema))
	add("relationships", block(p.Relationships))
	for _, part := range []struct{ name, key, text string }{
		{PartAssertions, "assertions", p.Assertions}, {PartExpected, "validation", p.Expected},
	} {
		if blank(part.text) {
			continue
		}
		s.File = part.name
		v := &Validation{Suite: s, lines: strings.Split(part.text, "\n")}
		if n, ok := v.document([]byte(part.text)); ok {
			add(part.key, n)
		}
	}
	if len(s.Errors) > 0 {
		return "", s.Errors
	}
	text, err := printExactly(root)
	if err != nil {
		s.Fail(Place{File: PartSchema}, "it cannot be written as YAML: %v", err)
	}
	return text, s.Errors
}

// printExactly prints a document that reads as what n holds. The emitter breaks some
// blocks and comments (a block that begins with a tab, say): what does not read the
// same is printed in quotes and without comments.
func printExactly(n *yaml.Node) (string, error) {
	text, err := printYAML(n)
	if err == nil && readsAs(text, n) {
		return text, nil
	}
	text, err = printYAML(quoted(n))
	if err == nil && !readsAs(text, n) {
		err = errors.New("it would read as something else")
	}
	return text, err
}

func readsAs(text string, n *yaml.Node) bool {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) != 1 {
		return false
	}
	return same(doc.Content[0], n)
}

// same reports whether two nodes hold the same, however they are written.
func same(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.Anchor == b.Anchor && a.ShortTag() == b.ShortTag() &&
		slices.EqualFunc(a.Content, b.Content, same)
}

// quoted returns n with its texts in quotes and without comments.
func quoted(n *yaml.Node) *yaml.Node {
	q := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Anchor: n.Anchor, Alias: n.Alias}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		q.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		q.Content = append(q.Content, quoted(c))
	}
	return q
}
