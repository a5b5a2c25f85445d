package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/backup"
)

func backupVerifyCommand(a *app) *cobra.Command {
	var key func() (backup.Key, error)
	var there bool
	c := &cobra.Command{
		Use:   "verify FILE…",
		Short: "Check that backups are whole and that a store would take them",
		Long: `Reads backups to their last line: compares number and checksum, compiles the schema,
and judges every relationship, every constraint and every record of a chain by it, as a
store does. It needs no store, and for sealed documents the key. With --on-server the
files are those of pemba backup list, and the server reads them.

Exit codes: 0 all are good, 3 one is not.`,
		Example: "  pemba backup verify backups/*.backup",
		Args:    atLeast(1, "FILE…"),
		RunE: func(c *cobra.Command, args []string) error {
			if there {
				return a.withClient(c.Context(), func(cl *client) error { return a.verifyThere(c.Context(), cl, args) })
			}
			k, err := key()
			if err != nil {
				return err
			}
			out := a.list("file", "revision", "relationships", "documents", "sealed", "error")
			bad := false
			for _, name := range args {
				head, end, err := backup.Verify(name, &backup.Reader{Key: k})
				d := verifiedBackupJSON{File: name, Revision: head.Name(), Relationships: end.Relationships, Documents: end.Documents, Sealed: end.Sealed}
				text := backupJSON{d.Revision, d.Relationships, d.Documents, d.Sealed}.text(name + " holds")
				if err != nil {
					if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
						return errors.Join(err, out.close())
					}
					bad = true
					d.Error = err.Error()
					text = name + ": " + d.Error
				}
				cells := []string{name, d.Revision, fmt.Sprint(d.Relationships), fmt.Sprint(d.Documents), fmt.Sprint(d.Sealed), d.Error}
				if err := out.add(item{text: text, cells: cells, value: d}); err != nil {
					return err
				}
			}
			if err := out.close(); err != nil {
				return err
			}
			if bad {
				return errNegative
			}
			return nil
		},
	}
	key = backupKeyOf(c, "file with the key that opens sealed documents")
	c.Flags().BoolVar(&there, "on-server", false, "have the server verify backups in its directory")
	return c
}

// verifiedBackupJSON is what was found out about a backup.
type verifiedBackupJSON struct {
	File          string `json:"file"`
	Revision      string `json:"revision"`
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents"`
	Sealed        int64  `json:"sealed"`
	Error         string `json:"error,omitempty"`
}
