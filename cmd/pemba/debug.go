package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/replica"
)

func debugCommands(a *app) *cobra.Command {
	return group("debug", "Look inside a store", "", verifyCommand(a))
}

// verifiedJSON is what a store that fits together holds.
type verifiedJSON struct {
	Revision      string `json:"revision"`
	Oldest        string `json:"oldest"` // revision that can be read
	Relationships int64  `json:"relationships"`
	Hash          string `json:"hash"` // of the state, the same wherever the same is stored
	Bytes         int64  `json:"bytes"`
}

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Recompute what follows from the stored relationships and compare",
		Long: `Recomputes the reverse index, the counters and the state hash from the stored
relationships, checks checksums and records, and says what differs.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			t, err := a.target()
			if err != nil {
				return err
			}
			if t.dir == "" {
				return usagef("debug verify looks into a directory, not at a server: give --data-dir DIR")
			}
			return a.withNode(c.Context(), t.dir, false, func(n *node) error {
				bar := a.progress(-1, "verifying")
				err := n.replica.Verify(c.Context(), bar.set)
				bar.finish()
				if err != nil {
					return err
				}
				return a.printVerified(n.replica)
			})
		},
	}
}

func (a *app) printVerified(r *replica.Replica) error {
	status := r.Status()
	data := verifiedJSON{
		Revision: r.Token(status.Head), Oldest: r.Token(status.Floor), Relationships: status.Store.Relationships,
		Hash: status.Store.Hash.String(), Bytes: status.Store.Bytes,
	}
	return a.one([]string{"revision", "oldest", "relationships", "hash", "bytes"}, item{
		text:  fmt.Sprintf("the store is whole: %s at revision %s, state hash %s", counted(int(data.Relationships), "relationship"), data.Revision, data.Hash),
		cells: []string{data.Revision, data.Oldest, fmt.Sprint(data.Relationships), data.Hash, fmt.Sprint(data.Bytes)},
		value: data,
	})
}
