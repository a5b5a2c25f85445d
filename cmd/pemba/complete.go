package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/schema"
)

// complete makes the shell offer fixed values for a flag.
func complete(c *cobra.Command, flag string, values ...string) {
	completeFrom(c, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeFrom makes the shell offer what a function gives for a flag.
func completeFrom(c *cobra.Command, flag string, words cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // the flag was not declared
	}
}

// completionTimeout is how long a shell waits for words.
const completionTimeout = 2 * time.Second

// argument says what may stand in one place of a question. It is given the
// stored schema and the arguments before.
type argument func(s *schema.Schema, before []string) []string

// completeQuestion offers words from the stored schema. Without a store, while it
// is in use, or from a server that is slow, it offers nothing.
func (a *app) completeQuestion(arguments ...argument) cobra.CompletionFunc {
	return func(c *cobra.Command, before []string, prefix string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(before) >= len(arguments) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		// An error here has no place to go: the shell waits for words.
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		_ = a.withClient(ctx, func(cl *client) error {
			s, err := cl.schema(ctx)
			if err != nil {
				return err
			}
			for _, word := range arguments[len(before)](s, before) {
				if strings.HasPrefix(word, prefix) {
					words = append(words, word)
				}
			}
			return nil
		})
		return words, directive
	}
}

func typeArg(s *schema.Schema, _ []string) []string {
	var words []string
	for _, t := range s.Types() {
		words = append(words, t.Name)
	}
	return words
}

func objectArg(s *schema.Schema, _ []string) []string {
	words := typeArg(s, nil)
	for i := range words {
		words[i] += ":"
	}
	return words
}

// membersOf returns the names of the type that the first argument names.
func membersOf(s *schema.Schema, before []string, relationsOnly bool) []string {
	name, _, _ := strings.Cut(before[0], ":")
	t := s.Type(name)
	if t == nil {
		return nil
	}
	var words []string
	for _, m := range t.Members {
		if !relationsOnly || !m.IsPermission() {
			words = append(words, m.Name)
		}
	}
	return words
}

func permissionArg(s *schema.Schema, before []string) []string { return membersOf(s, before, false) }
func relationArg(s *schema.Schema, before []string) []string   { return membersOf(s, before, true) }

// subjectArg offers what the relation allows, and every type for a permission.
func subjectArg(s *schema.Schema, before []string) []string {
	name, _, _ := strings.Cut(before[0], ":")
	r := s.Relation(name, before[1])
	if r == nil || r.IsPermission() {
		return objectArg(s, nil)
	}
	var words []string
	for _, a := range r.Allowed {
		if word := a.Type.Name + ":"; !slices.Contains(words, word) { // once for all its traits
			words = append(words, word)
		}
	}
	return words
}

func subjectTypeArg(s *schema.Schema, before []string) []string {
	words := typeArg(s, nil)
	for _, t := range s.Types() {
		for _, m := range t.Members {
			words = append(words, t.Name+"#"+m.Name)
		}
	}
	return words
}
