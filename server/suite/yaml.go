package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// Validation is a validation file, parsed. It works on YAML nodes, because every
// complaint names the line and column in the author's file.
type Validation struct {
	*Suite
	lines []string // of the YAML file
	keys  map[string]*yaml.Node
}

// ReadValidation reads a validation file into s.
func (s *Suite) ReadValidation(data []byte) {
	v, ok := s.OpenValidation(data)
	if !ok {
		return
	}
	v.ReadSchema()
	v.ReadRelationships()
	v.readAssertions(v.keys["assertions"])
	v.readSets(v.keys["validation"])
}

// OpenValidation parses a validation file and reads none of its parts; ok is false
// when that fails, which is noted.
func (s *Suite) OpenValidation(data []byte) (v *Validation, ok bool) {
	if at := InvalidUTF8(data); at > 0 {
		s.Fail(Place{s.File, at, 0}, "not UTF-8 text")
		return nil, false
	}
	v = &Validation{Suite: s, lines: strings.Split(string(data), "\n")}
	root, ok := v.document(data)
	if ok {
		v.keys = v.mapping(root, "schema", "schemaFile", "relationships", "relationshipsFile", "assertions", "validation")
	}
	return v, ok
}

// document returns the top node of the only YAML document.
func (v *Validation) document(data []byte) (*yaml.Node, bool) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			v.Fail(Place{v.File, 1, 0}, "the file is empty: a validation file has schema, relationships, assertions and validation")
		} else {
			v.yamlFault(err)
		}
		return nil, false
	}
	if err := dec.Decode(&second); err == nil {
		v.Fail(v.at(&second), "a second YAML document: one file is one validation")
		return nil, false
	} else if !errors.Is(err, io.EOF) {
		v.yamlFault(err)
		return nil, false
	}
	return doc.Content[0], true
}

// yamlFault turns "yaml: line 3: …" into a place and a message.
func (v *Validation) yamlFault(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	at := Place{File: v.File, Line: 1}
	if _, scanErr := fmt.Sscanf(msg, "line %d:", &at.Line); scanErr == nil {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	v.Fail(at, "not YAML: %s", msg)
}

func (v *Validation) at(n *yaml.Node) Place { return Place{v.File, n.Line, n.Column} }

// deref follows an alias.
func deref(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// empty reports whether a node is absent, null or {}.
func empty(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" || n.Kind == yaml.MappingNode && len(n.Content) == 0
}

// entries calls f for each key of a mapping. A repeated key is an error.
func (v *Validation) entries(n *yaml.Node, what string, f func(key, value *yaml.Node)) {
	n = deref(n)
	if empty(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		v.Fail(v.at(n), "%s should be a mapping, with a key and a colon on each line", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			v.Fail(v.at(key), "the key %q stands here twice", key.Value)
			continue
		}
		seen[key.Value] = true
		f(key, deref(n.Content[i+1]))
	}
}

// mapping returns the values of the known keys and warns about others.
func (v *Validation) mapping(n *yaml.Node, known ...string) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	v.entries(n, "this", func(key, value *yaml.Node) {
		if slices.Contains(known, key.Value) {
			values[key.Value] = value
			return
		}
		hint := ""
		if near := syntax.Nearest(key.Value, known); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
		v.Warn(v.at(key), "unknown key %q is ignored%s", key.Value, hint)
	})
	return values
}

// text returns the text of a scalar.
func (v *Validation) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		v.Fail(v.at(n), "%s should be text", what)
		return "", false
	}
	return n.Value, true
}

// besideFile reads a file that is named relative to this one.
func (v *Validation) besideFile(n *yaml.Node, what string) (path string, data []byte, ok bool) {
	name, ok := v.text(n, what)
	if !ok {
		return "", nil, false
	}
	if v.Files == nil {
		v.Fail(v.at(n), "%s: another file cannot be named here: put its text under %s", what, strings.TrimSuffix(what, "File"))
		return "", nil, false
	}
	path = v.Files.Path(v.File, name)
	data, err := v.Files.Open(path)
	if err != nil {
		v.Fail(v.at(n), "%s: %v", what, err)
		return "", nil, false
	}
	return path, data, true
}

// ReadSchema compiles the schema.
func (v *Validation) ReadSchema() {
	inline, file := v.keys["schema"], v.keys["schemaFile"]
	switch {
	case !empty(inline) && !empty(file):
		v.Fail(v.at(file), "schema and schemaFile stand here together: keep one")
	case !empty(file):
		if path, data, ok := v.besideFile(file, "schemaFile"); ok {
			v.Compile(path, string(data), func(line, column int) Place { return Place{path, line, column} })
		}
	case !empty(inline):
		if text, ok := v.text(inline, "schema"); ok {
			lines := strings.Split(text, "\n")
			v.Compile(v.File, text, func(line, column int) Place { return v.within(inline, lines, line, column) })
		}
	default:
		v.Compile(v.File, "", func(int, int) Place { return Place{File: v.File} })
	}
}

// within returns where line and column of a block of text stand in the file.
// It looks for the line itself, since folding and quoting move lines.
func (v *Validation) within(block *yaml.Node, lines []string, line, column int) Place {
	if line < 1 || line > len(lines) {
		return v.at(block)
	}
	want := strings.TrimSpace(lines[line-1])
	nth := 0 // equal lines before it
	for _, l := range lines[:line-1] {
		if strings.TrimSpace(l) == want {
			nth++
		}
	}
	for i := block.Line - 1; i < len(v.lines); i++ {
		raw := v.lines[i]
		if strings.TrimSpace(raw) != want {
			continue
		}
		if nth == 0 {
			indent := strings.Index(raw, lines[line-1])
			return Place{v.File, i + 1, max(indent, 0) + max(column, 1)}
		}
		nth--
	}
	return v.at(block)
}

// ReadRelationships adds the relationships.
func (v *Validation) ReadRelationships() {
	inline, file := v.keys["relationships"], v.keys["relationshipsFile"]
	if !empty(inline) && !empty(file) {
		v.Fail(v.at(file), "relationships and relationshipsFile stand here together: keep one")
		return
	}
	if !empty(file) {
		if path, data, ok := v.besideFile(file, "relationshipsFile"); ok {
			v.Files.ReadRelationships(v.Suite, path, data)
		}
		return
	}
	if empty(inline) {
		return
	}
	text, ok := v.text(inline, "relationships")
	if !ok {
		return
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		at := v.within(inline, lines, i+1, 1)
		r, err := engine.ParseRelationship(line)
		if err != nil {
			v.Fail(at, "%v%s", err, foldedHint(inline, line))
			continue
		}
		v.Add(at, r)
	}
}

// foldedHint explains lines that YAML joined.
func foldedHint(n *yaml.Node, line string) string {
	if n.Style&yaml.FoldedStyle == 0 || !strings.Contains(line, " ") {
		return ""
	}
	return ` (in a folded block ">" lines without a blank line between them are joined: use "|")`
}

func (v *Validation) readAssertions(n *yaml.Node) {
	keys := v.mapping(n, "assertTrue", "assertFalse", "assertCaveated")
	v.readClaims(keys["assertTrue"], "assertTrue", engine.Yes)
	v.readClaims(keys["assertFalse"], "assertFalse", engine.No)
	v.readClaims(keys["assertCaveated"], "assertCaveated", engine.Conditional)
}

// texts calls f for each text of a list.
func (v *Validation) texts(n *yaml.Node, what string, f func(item *yaml.Node)) {
	if empty(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		v.Fail(v.at(n), "%s should be a list, with a dash before each item", what)
		return
	}
	for _, item := range n.Content {
		item = deref(item)
		if _, ok := v.text(item, "an item of "+what); ok {
			f(item)
		}
	}
}

func (v *Validation) readClaims(n *yaml.Node, key string, want engine.State) {
	v.texts(n, key, func(item *yaml.Node) {
		text := strings.TrimSpace(item.Value)
		name, values, with := strings.Cut(text, " with ")
		r, err := engine.ParseRelationship(strings.TrimSpace(name))
		if err != nil {
			v.Fail(v.at(item), "%v", err)
			return
		}
		if r.Trait != nil {
			v.Warn(v.at(item), "a caveat or an expiration says nothing in an assertion: give values as `… with {json}`")
		}
		c := Claim{At: v.at(item), Text: text, Resource: r.Resource, Permission: r.Relation, Subject: r.Subject, Want: want}
		if with {
			if c.Context, err = ParseContext(values); err != nil {
				v.Fail(v.at(item), "%v", err)
				return
			}
		}
		v.Claims = append(v.Claims, c)
	})
}

func (v *Validation) readSets(n *yaml.Node) {
	v.entries(n, "validation", func(key, value *yaml.Node) {
		set, err := parseSet(strings.TrimSpace(key.Value))
		if err != nil {
			v.Fail(v.at(key), "%v", err)
			return
		}
		c := SetClaim{At: v.at(key), Resource: set.Object, Permission: set.Relation}
		v.texts(value, key.Value, func(item *yaml.Node) {
			if strings.TrimSpace(item.Value) == "[]" {
				return // nobody
			}
			m, err := parseFound(item.Value)
			if err != nil {
				v.Fail(v.at(item), "%v", err)
				return
			}
			c.Want = append(c.Want, m)
		})
		v.Sets = append(v.Sets, c)
	})
}

// ParseContext reads a JSON object of caveat values.
func ParseContext(text string) (map[string]any, error) {
	values, err := engine.ParseContext(text)
	if err != nil {
		return nil, fmt.Errorf("the caveat context: %w", err)
	}
	return values, nil
}

// InvalidUTF8 returns the first line that is not UTF-8, 0 when all are.
func InvalidUTF8(data []byte) int {
	for line := 1; len(data) > 0; line++ {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		if !utf8.Valid(text) {
			return line
		}
		data = rest
	}
	return 0
}
