package main

import (
	"os"

	"charm.land/lipgloss/v2"
)

// palette colours words, on a terminal and without NO_COLOR; else it leaves
// them as they are.
type palette struct{ on bool }

func (a *app) palette() palette {
	return palette{on: isTerminal(a.stdout) && a.format == "auto" && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p palette) paint(code string, text string) string {
	if !p.on || text == "" {
		return text
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(code)).Render(text)
}

// The 16 colours every terminal has, in the shades its user has chosen.
func (p palette) good(text string) string  { return p.paint("2", text) }
func (p palette) bad(text string) string   { return p.paint("1", text) }
func (p palette) maybe(text string) string { return p.paint("3", text) }
func (p palette) dim(text string) string   { return p.paint("8", text) }
