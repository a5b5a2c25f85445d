package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// validationFile reads one validation file. It works on YAML nodes, because
// every complaint names the line and column in the author's file.
type validationFile struct {
	*suite
	lines []string // of the YAML file
}

// readValidation reads a validation file into s.
func (s *suite) readValidation(data []byte) {
	if at := invalidUTF8(data); at > 0 {
		s.fail(place{s.file, at, 0}, "not UTF-8 text")
		return
	}
	v := &validationFile{suite: s, lines: strings.Split(string(data), "\n")}
	root, ok := v.document(data)
	if !ok {
		return
	}
	keys := v.mapping(root, "schema", "schemaFile", "relationships", "relationshipsFile", "assertions", "validation")
	v.readSchema(keys["schema"], keys["schemaFile"])
	v.readRelationships(keys["relationships"], keys["relationshipsFile"])
	v.readAssertions(keys["assertions"])
	v.readSets(keys["validation"])
}

// document returns the top node of the only YAML document.
func (v *validationFile) document(data []byte) (*yaml.Node, bool) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			v.fail(place{v.file, 1, 0}, "the file is empty: a validation file has schema, relationships, assertions and validation")
		} else {
			v.yamlFault(err)
		}
		return nil, false
	}
	if err := dec.Decode(&second); err == nil {
		v.fail(v.at(&second), "a second YAML document: one file is one validation")
		return nil, false
	} else if !errors.Is(err, io.EOF) {
		v.yamlFault(err)
		return nil, false
	}
	return doc.Content[0], true
}

// yamlFault turns "yaml: line 3: …" into a place and a message.
func (v *validationFile) yamlFault(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	at := place{file: v.file, line: 1}
	if _, scanErr := fmt.Sscanf(msg, "line %d:", &at.line); scanErr == nil {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	v.fail(at, "not YAML: %s", msg)
}

func (v *validationFile) at(n *yaml.Node) place { return place{v.file, n.Line, n.Column} }

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
func (v *validationFile) entries(n *yaml.Node, what string, f func(key, value *yaml.Node)) {
	n = deref(n)
	if empty(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		v.fail(v.at(n), "%s should be a mapping, with a key and a colon on each line", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			v.fail(v.at(key), "the key %q stands here twice", key.Value)
			continue
		}
		seen[key.Value] = true
		f(key, deref(n.Content[i+1]))
	}
}

// mapping returns the values of the known keys and warns about others.
func (v *validationFile) mapping(n *yaml.Node, known ...string) map[string]*yaml.Node {
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
		v.warn(v.at(key), "unknown key %q is ignored%s", key.Value, hint)
	})
	return values
}

// text returns the text of a scalar.
func (v *validationFile) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		v.fail(v.at(n), "%s should be text", what)
		return "", false
	}
	return n.Value, true
}

// besideFile reads a file that is named relative to this one.
func (v *validationFile) besideFile(n *yaml.Node, what string) (path string, data []byte, ok bool) {
	name, ok := v.text(n, what)
	if !ok {
		return "", nil, false
	}
	path = name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(v.file), path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		v.fail(v.at(n), "%s: %v", what, err)
		return "", nil, false
	}
	return path, data, true
}

func (v *validationFile) readSchema(inline, file *yaml.Node) {
	switch {
	case !empty(inline) && !empty(file):
		v.fail(v.at(file), "schema and schemaFile stand here together: keep one")
	case !empty(file):
		if path, data, ok := v.besideFile(file, "schemaFile"); ok {
			v.compile(path, string(data), func(line, column int) place { return place{path, line, column} })
		}
	case !empty(inline):
		if text, ok := v.text(inline, "schema"); ok {
			lines := strings.Split(text, "\n")
			v.compile(v.file, text, func(line, column int) place { return v.within(inline, lines, line, column) })
		}
	default:
		v.compile(v.file, "", func(int, int) place { return place{file: v.file} })
	}
}

// within returns where line and column of a block of text stand in the file.
// It looks for the line itself, since folding and quoting move lines.
func (v *validationFile) within(block *yaml.Node, lines []string, line, column int) place {
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
			return place{v.file, i + 1, max(indent, 0) + max(column, 1)}
		}
		nth--
	}
	return v.at(block)
}

func (v *validationFile) readRelationships(inline, file *yaml.Node) {
	if !empty(inline) && !empty(file) {
		v.fail(v.at(file), "relationships and relationshipsFile stand here together: keep one")
		return
	}
	if !empty(file) {
		if path, data, ok := v.besideFile(file, "relationshipsFile"); ok {
			v.readRelationshipText(path, data)
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
			v.fail(at, "%v%s", err, foldedHint(inline, line))
			continue
		}
		v.addRelationship(at, r)
	}
}

// foldedHint explains lines that YAML joined.
func foldedHint(n *yaml.Node, line string) string {
	if n.Style&yaml.FoldedStyle == 0 || !strings.Contains(line, " ") {
		return ""
	}
	return ` (in a folded block ">" lines without a blank line between them are joined: use "|")`
}

func (v *validationFile) readAssertions(n *yaml.Node) {
	keys := v.mapping(n, "assertTrue", "assertFalse", "assertCaveated")
	v.readClaims(keys["assertTrue"], "assertTrue", engine.Yes)
	v.readClaims(keys["assertFalse"], "assertFalse", engine.No)
	v.readClaims(keys["assertCaveated"], "assertCaveated", engine.Conditional)
}

// texts calls f for each text of a list.
func (v *validationFile) texts(n *yaml.Node, what string, f func(item *yaml.Node)) {
	if empty(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		v.fail(v.at(n), "%s should be a list, with a dash before each item", what)
		return
	}
	for _, item := range n.Content {
		item = deref(item)
		if _, ok := v.text(item, "an item of "+what); ok {
			f(item)
		}
	}
}

func (v *validationFile) readClaims(n *yaml.Node, key string, want engine.State) {
	v.texts(n, key, func(item *yaml.Node) {
		text := strings.TrimSpace(item.Value)
		name, values, with := strings.Cut(text, " with ")
		r, err := engine.ParseRelationship(strings.TrimSpace(name))
		if err != nil {
			v.fail(v.at(item), "%v", err)
			return
		}
		if r.Trait != nil {
			v.warn(v.at(item), "a caveat or an expiration says nothing in an assertion: give values as `… with {json}`")
		}
		c := claim{at: v.at(item), text: text, resource: r.Resource, permission: r.Relation, subject: r.Subject, want: want}
		if with {
			if c.context, err = parseContext(values); err != nil {
				v.fail(v.at(item), "%v", err)
				return
			}
		}
		v.claims = append(v.claims, c)
	})
}

func (v *validationFile) readSets(n *yaml.Node) {
	v.entries(n, "validation", func(key, value *yaml.Node) {
		set, err := parseSet(strings.TrimSpace(key.Value))
		if err != nil {
			v.fail(v.at(key), "%v", err)
			return
		}
		c := setClaim{at: v.at(key), resource: set.Object, permission: set.Relation}
		v.texts(value, key.Value, func(item *yaml.Node) {
			if strings.TrimSpace(item.Value) == "[]" {
				return // nobody
			}
			m, err := parseFound(item.Value)
			if err != nil {
				v.fail(v.at(item), "%v", err)
				return
			}
			c.want = append(c.want, m)
		})
		v.sets = append(v.sets, c)
	})
}
