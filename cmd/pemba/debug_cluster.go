package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
)

// hashesJSON are the hashes of all members.
type hashesJSON struct {
	Differ bool       `json:"differ"`
	Hashes []hashJSON `json:"hashes"`
}

// hashJSON is the hash of one member.
type hashJSON struct {
	Member   string `json:"member"`
	Revision string `json:"revision"`
	Hash     string `json:"hash,omitempty"`
	Reason   string `json:"reason,omitempty"` // why there is none
}

func stateHashCommand(a *app) *cobra.Command {
	var rev uint64
	c := &cobra.Command{
		Use:   "state-hash",
		Short: "Compare what the members of a cluster hold",
		Long: `Prints every member's hash of all that is stored at one revision. Members that hold the
same have the same hash.

Exit codes: 0 all that answered have the same, 3 they differ, 5 one gave no hash.`,
		Example: "  pemba debug state-hash",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if rev == 0 && c.Flags().Changed("revision") {
				return usagef("--revision 0 is before the first one; leave it out for the newest that all members have")
			}
			return a.withCluster(c.Context(), func(cl *client) error {
				r, err := cl.clusters.StateHash(c.Context(), &pembav1.StateHashRequest{OptionalRevision: rev})
				if err != nil {
					return err
				}
				return a.printHashes(r)
			})
		},
	}
	c.Flags().Uint64Var(&rev, "revision", 0, "a revision that wrote something (default: the newest that all members have)")
	return c
}

func (a *app) printHashes(r *pembav1.StateHashResponse) error {
	d := hashesJSON{Differ: r.GetDiffer(), Hashes: []hashJSON{}}
	missing := 0
	for _, h := range r.GetHashes() {
		d.Hashes = append(d.Hashes, hashJSON{h.GetId(), fmt.Sprint(h.GetRevision()), h.GetHash(), h.GetReason()})
		if h.GetHash() == "" {
			missing++
		}
	}
	if err := a.printHashData(d); err != nil {
		return err
	}
	switch {
	case d.Differ:
		a.note("the members hold different states: stop the ones that differ from most, and let them join with empty directories")
		return errNegative
	case missing > 0:
		return &coded{exitUnavailable, fmt.Errorf("%s gave no hash", counted(missing, "member"))}
	}
	return nil
}

func (a *app) printHashData(d hashesJSON) error {
	if a.format == "json" || a.format == "yaml" || a.format == "jsonl" {
		return a.one(nil, item{value: d})
	}
	out := a.list("member", "revision", "hash", "reason")
	for _, h := range d.Hashes {
		text := h.Member + " " + h.Revision + " " + h.Hash
		if h.Hash == "" {
			text += "no hash: " + h.Reason
		}
		if err := out.add(item{text: text, cells: []string{h.Member, h.Revision, h.Hash, h.Reason}}); err != nil {
			return err
		}
	}
	return out.close()
}

// entryJSON is an entry of a log.
type entryJSON struct {
	Index uint64   `json:"index"`
	Term  uint64   `json:"term"`
	Kind  string   `json:"kind"`
	Time  string   `json:"time,omitempty"`
	Actor string   `json:"actor,omitempty"`
	Bytes int      `json:"bytes"`
	Does  []string `json:"does,omitempty"`
	Error string   `json:"error,omitempty"` // why it cannot be read
}

// mostDone bounds what is printed of one entry for people.
const mostDone = 3

func logCommand(a *app) *cobra.Command {
	var from uint64
	var limit int
	c := &cobra.Command{
		Use:   "log --data-dir DIR",
		Short: "Print the entries of the log of a stopped node",
		Long: `Prints what is in the log of a node that does not run: what was written since the last
snapshot of the log, and some before it. It changes nothing. For people it prints the
first changes of each entry, with -o json all.

Exit codes: 0 done, 1 there are entries that this version cannot read.`,
		Example: "  pemba debug log --data-dir /var/lib/pemba --from 120000 --limit 20",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := a.directory("debug log reads the directory of a stopped node")
			if err != nil {
				return err
			}
			if limit < 0 {
				return usagef("--limit %d: it cannot be negative", limit)
			}
			return a.printLog(dir, from, limit)
		},
	}
	c.Flags().Uint64Var(&from, "from", 0, "the first entry to print")
	c.Flags().IntVar(&limit, "limit", 0, "how many entries to print (default: all)")
	return c
}

func (a *app) printLog(dir string, from uint64, limit int) error {
	out := a.list("index", "term", "kind", "time", "actor", "bytes", "does")
	n, unknown := 0, 0
	for e, err := range replica.ReadLog(dir, from) {
		if err != nil {
			return err
		}
		if e.Err != nil {
			unknown++
		}
		if err := out.add(entryItem(e)); err != nil {
			return err
		}
		if n++; n == limit {
			break
		}
	}
	if err := out.close(); err != nil {
		return err
	}
	if n == 0 {
		return a.noteNone(dir, from)
	}
	if unknown > 0 {
		return fmt.Errorf("%d of %d entries cannot be read by this version", unknown, n)
	}
	return nil
}

// noteNone says why no entry of a log was printed.
func (a *app) noteNone(dir string, from uint64) error {
	i, err := replica.Inspect(dir)
	switch {
	case err != nil:
		return err
	case i.First == 0:
		a.note("the log in %s has no entries", dir)
	default:
		a.note("the log in %s has none from %d on: its entries are %d to %d", dir, from, i.First, i.Last)
	}
	return nil
}

func entryItem(e replica.Entry) item {
	d := entryJSON{Index: e.Index, Term: e.Term, Kind: e.Kind, Actor: e.Actor, Bytes: e.Bytes, Does: e.Does}
	if !e.Time.IsZero() {
		d.Time = e.Time.Format(time.RFC3339Nano)
	}
	does := strings.Join(e.Does[:min(len(e.Does), mostDone)], "; ")
	if more := len(e.Does) - mostDone; more > 0 {
		does += fmt.Sprintf("; and %d more", more)
	}
	if e.Err != nil {
		d.Error = e.Err.Error()
		does = d.Error
	}
	text := fmt.Sprintf("%d/%d %s", e.Index, e.Term, e.Kind)
	for _, part := range []string{d.Time, e.Actor, does} {
		if part != "" {
			text += " " + part
		}
	}
	return item{
		text:  text,
		cells: []string{fmt.Sprint(e.Index), fmt.Sprint(e.Term), e.Kind, d.Time, e.Actor, fmt.Sprint(e.Bytes), does},
		value: d,
	}
}
