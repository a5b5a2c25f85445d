package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server"
)

// keyJSON is a new key as data.
type keyJSON struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Key  string `json:"key"`
	Line string `json:"line"` // for the key file
}

func keyCommands(a *app) *cobra.Command {
	return group("key", "Make preshared keys for a server", "", keyCreateCommand(a))
}

func keyCreateCommand(a *app) *cobra.Command {
	var roleName string
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key, and its line for the key file",
		Long: `Makes a random key. The key goes to the client and is shown only now; the line,
which holds its hash, goes into the file of serve --key-file. A running server
reads that file again when it changes: to rotate a key, add the line of a new
one, move the clients, and remove the line of the old one.

Roles: check may ask who may do what; read may also see schema, relationships
and changes; write may also change relationships; admin may also change the
schema.`,
		Example: "  pemba key create portal --role write\n  pemba key create ci -o json",
		Args:    exactly(1, "NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			role, err := server.ParseRole(roleName)
			if err != nil {
				return usagef("--role: %w", err)
			}
			key, line, err := server.NewKey(args[0], role)
			if err != nil {
				return usagef("%w", err)
			}
			return a.one([]string{"name", "role", "key", "line"}, item{
				text:  strings.Join([]string{"key:  " + key, "line: " + line}, "\n"),
				cells: []string{args[0], role.String(), key, line},
				value: keyJSON{args[0], role.String(), key, line},
			})
		},
	}
	c.Flags().StringVar(&roleName, "role", "check", "what the key is good for: check, read, write or admin")
	complete(c, "role", "check", "read", "write", "admin")
	return c
}
