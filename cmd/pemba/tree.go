package main

import "strings"

// branch is a tree of lines.
type branch struct {
	text  string
	below []branch
}

// draw returns the tree, one line a branch, without the last newline.
func (b branch) draw(color palette) string {
	var out strings.Builder
	b.write(&out, color, "", "")
	return strings.TrimSuffix(out.String(), "\n")
}

// write draws a branch after the prefix first, and what hangs below it after
// the prefix rest.
func (b branch) write(out *strings.Builder, color palette, first, rest string) {
	out.WriteString(color.dim(first) + b.text + "\n")
	for i, child := range b.below {
		if i == len(b.below)-1 {
			child.write(out, color, rest+"└─ ", rest+"   ")
		} else {
			child.write(out, color, rest+"├─ ", rest+"│  ")
		}
	}
}
