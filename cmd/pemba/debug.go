package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/store"
)

func debugCommands(a *app) *cobra.Command {
	return group("debug", "Look inside a store", "", verifyCommand(a))
}

// verifiedJSON is what a store that fits together holds.
type verifiedJSON struct {
	Revision      store.Revision `json:"revision"`
	Oldest        store.Revision `json:"oldest"` // revision that can be read
	Relationships int64          `json:"relationships"`
	Hash          string         `json:"hash"` // of the state, the same wherever the same is stored
	Bytes         int64          `json:"bytes"`
}

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Recompute what follows from the stored relationships and compare",
		Long: `Recomputes the reverse index, the counters and the state hash from the stored
relationships, checks checksums and records, and says what differs.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(false, func(st *store.Store) error {
				bar := a.progress(-1, "verifying")
				err := st.Verify(c.Context(), bar.set)
				bar.finish()
				if err != nil {
					return err
				}
				s := st.Stats()
				data := verifiedJSON{s.Head, s.Floor, s.Relationships, s.Hash.String(), s.Bytes}
				return a.one([]string{"revision", "oldest", "relationships", "hash", "bytes"}, item{
					text:  fmt.Sprintf("the store is whole: %s at revision %d, state hash %s", counted(int(s.Relationships), "relationship"), s.Head, data.Hash),
					cells: []string{fmt.Sprint(s.Head), fmt.Sprint(s.Floor), fmt.Sprint(s.Relationships), data.Hash, fmt.Sprint(s.Bytes)},
					value: data,
				})
			})
		},
	}
}
