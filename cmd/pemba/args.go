package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// verb is what messages call a command: its words after "pemba".
func verb(c *cobra.Command) string {
	return strings.TrimPrefix(c.CommandPath(), "pemba ")
}

func needs(c *cobra.Command, form string) error {
	return usagef("%s needs %s (see %s --help)", verb(c), form, c.CommandPath())
}

// atLeast refuses fewer arguments than n.
func atLeast(n int, form string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return needs(c, form)
		}
		return nil
	}
}

// exactly refuses another number of arguments than n.
func exactly(n int, form string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == n:
			return nil
		case n == 0:
			return usagef("%s takes no arguments, not %q", verb(c), args[0])
		}
		return needs(c, form)
	}
}

// between refuses fewer arguments than least and more than most.
func between(least, most int, form string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return needs(c, form)
		}
		return nil
	}
}
