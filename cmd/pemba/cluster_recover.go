package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/replica"
)

// recoveredJSON is what `cluster recover` answers with.
type recoveredJSON struct {
	Node    string `json:"node"`
	Cluster string `json:"cluster"`
	Epoch   uint64 `json:"epoch"` // the new one
}

func clusterRecoverCommand(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "recover --data-dir DIR",
		Short: "Make a stopped member the whole cluster, when most voters are lost for good",
		Long: `For a cluster that has lost most of its voters and will not get them back. The member
whose directory is named, which must be stopped, becomes the only one of its cluster and
begins a new history. What only lost members had acknowledged is lost. Tokens of before
are refused. The other members must never run again with their data: empty their
directories and let them join.

Choose the survivor whose last entry is the newest: without --yes the command changes
nothing and prints it.`,
		Example: "  pemba cluster recover --data-dir /var/lib/pemba\n  pemba cluster recover --data-dir /var/lib/pemba --yes",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := a.directory("cluster recover works on the directory of a stopped node")
			if err != nil {
				return err
			}
			found, err := inspectDir(dir)
			if err != nil {
				return err
			}
			if found.Cluster == 0 {
				return refusedf("%s holds no member of a cluster: there is nothing to recover", dir)
			}
			a.note("%s", recoverWarning(dir, found))
			if !yes {
				return usagef("nothing was changed: give --yes if that is meant")
			}
			config, err := a.storeConfig()
			if err != nil {
				return err
			}
			plan := replica.RecoverPlan{Cluster: found.Cluster, Node: found.Node}
			if err := replica.Recover(c.Context(), replica.Config{Dir: dir, Store: config, Logger: a.quietLog()}, plan); err != nil {
				return err
			}
			after, err := replica.Inspect(dir)
			if err != nil {
				return err
			}
			d := recoveredJSON{found.Node, fmt.Sprintf("%016x", after.Cluster), after.Epoch}
			return a.one([]string{"node", "cluster", "epoch"}, item{
				text:  fmt.Sprintf("node %s is cluster %s, epoch %d: start it, and let the others join with empty directories", d.Node, d.Cluster, d.Epoch),
				cells: []string{d.Node, d.Cluster, fmt.Sprint(d.Epoch)},
				value: d,
			})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	return c
}

// inspectDir looks into the directory of a stopped node.
func inspectDir(dir string) (*replica.Inspection, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %s", dir)
	}
	return replica.Inspect(dir)
}

// recoverWarning says what recover is about to do.
func recoverWarning(dir string, found *replica.Inspection) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s is of node %s of cluster %016x, epoch %d.", dir, found.Node, found.Cluster, found.Epoch)
	last := fmt.Sprintf("Its last entry is %d of term %d", found.Last, found.LastTerm)
	if !found.LastTime.IsZero() {
		last += ", of " + found.LastTime.UTC().Format(time.RFC3339)
	}
	line("%s: compare the others, and recover the newest (by term, then by entry).", last)
	line("It becomes the only member; these do not belong to the cluster any more:")
	others := 0
	for _, m := range found.Members {
		if m.ID != found.Node {
			line("  %s at %s", m.ID, m.Address)
			others++
		}
	}
	if others == 0 {
		line("  (there are none)")
	}
	line("They must be stopped now, and never run again with their data.")
	line("What only they had acknowledged is lost, and tokens of before are refused.")
	return strings.TrimSuffix(b.String(), "\n")
}
