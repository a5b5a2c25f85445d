package main

import "github.com/spf13/cobra"

// atLeast refuses fewer arguments than n.
func atLeast(n int, form string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("%s needs %s: see %s --help", c.CommandPath(), form, c.CommandPath())
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
			return usagef("%s takes no arguments, not %q", c.CommandPath(), args[0])
		}
		return usagef("%s needs %s: see %s --help", c.CommandPath(), form, c.CommandPath())
	}
}

// between refuses fewer arguments than least and more than most.
func between(least, most int, form string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("%s needs %s: see %s --help", c.CommandPath(), form, c.CommandPath())
		}
		return nil
	}
}
