package schema

import (
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// docText keeps comments as they are written, one a line.
func docText(comments []*syntax.Comment) string {
	var b strings.Builder
	for i, c := range comments {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(c.Text, "\r\n"))
	}
	return b.String()
}

// maxOneLine is how many characters a block comment has at most on one line.
const maxOneLine = 70

// docLines gives a doc its one layout, line by line.
func docLines(doc string) []string {
	var lines []string
	for doc = strings.TrimSpace(doc); doc != ""; doc = strings.TrimSpace(doc) {
		if body, ok := strings.CutPrefix(doc, "/*"); ok {
			body, doc, _ = strings.Cut(body, "*/")
			lines = append(lines, blockLines(body)...)
			continue
		}
		end := strings.IndexAny(doc, "\r\n")
		if end < 0 {
			end = len(doc)
		}
		text := strings.TrimSpace(strings.TrimPrefix(doc[:end], "//"))
		lines = append(lines, strings.TrimSpace("// "+text))
		doc = doc[end:]
	}
	return lines
}

// blockLines lays out the inside of a block comment.
func blockLines(body string) []string {
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	broken := strings.Contains(body, "\n")
	lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(body, "*")), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
		if broken {
			lines[i] = strings.TrimSpace(strings.TrimPrefix(lines[i], "*"))
		}
	}
	lines = strings.Split(strings.TrimSpace(strings.Join(lines, "\n")), "\n")
	if len(lines) == 1 && len([]rune(lines[0])) <= maxOneLine {
		if lines[0] == "" {
			return []string{"/* */"}
		}
		return []string{"/* " + lines[0] + " */"}
	}
	out := []string{"/**"}
	for _, l := range lines {
		out = append(out, strings.TrimRight(" * "+l, " "))
	}
	return append(out, " */")
}
