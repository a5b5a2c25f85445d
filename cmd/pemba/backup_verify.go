package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

func backupVerifyCommand(a *app) *cobra.Command {
	var key func() (backupKey, error)
	c := &cobra.Command{
		Use:   "verify FILE…",
		Short: "Check that backups are whole and that a store would take them",
		Long: `Reads backups to their last line: compares number and checksum, compiles the schema,
and judges every relationship, every constraint and every record of a chain by it, as a
store does. It needs no store, and for sealed documents the key.

Exit codes: 0 all are good, 3 one is not.`,
		Example: "  pemba backup verify backups/*.backup",
		Args:    atLeast(1, "FILE…"),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := key()
			if err != nil {
				return err
			}
			out := a.list("file", "revision", "relationships", "documents", "sealed", "error")
			bad := false
			for _, name := range args {
				head, end, err := verifyBackup(name, k)
				d := verifiedBackupJSON{File: name, Revision: head.number(), Relationships: end.Relationships, Documents: end.Documents, Sealed: end.Sealed}
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

// verifyBackup returns what a backup holds, or why a store would not take it.
func verifyBackup(name string, key backupKey) (backupHead, backupEnd, error) {
	return verifyLines(name, &backupLines{key: key})
}

func verifyLines(name string, lines *backupLines) (backupHead, backupEnd, error) {
	f, err := os.Open(name)
	if err != nil {
		return backupHead{}, backupEnd{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	j := &backupJudge{chains: map[string]store.Link{}}
	lines.documents = j.document
	head, end, err := checkBackup(f, lines, j.add)
	if err == nil {
		err = j.done(&head)
	}
	return head, end, err
}

// mostFaults bounds the violations that are told of one backup.
const mostFaults = 10

// backupJudge judges the relationships of a backup by its schema. They come
// in the order in which stores keep them.
type backupJudge struct {
	schema *schema.Schema
	judge  engine.ConstraintJudge
	any    bool
	last   engine.Relationship
	faults []error
	more   int

	chains map[string]store.Link // the newest record of each
}

// document judges the record of a chain: it must follow the one before.
func (j *backupJudge) document(d *documentJSON) error {
	if d.Chain == "" {
		return nil
	}
	l, err := store.ParseLink(d.Value)
	if err != nil {
		return fmt.Errorf("document %q: %w", d.Key, err)
	}
	last, ok := j.chains[d.Chain]
	if ok && (l.Number != last.Number+1 || l.Previous != last.Hash()) {
		return fmt.Errorf("document %q does not follow record %d of the chain %q", d.Key, last.Number, d.Chain)
	}
	j.chains[d.Chain] = l
	return nil
}

func (j *backupJudge) fault(err error) {
	if len(j.faults) < mostFaults {
		j.faults = append(j.faults, err)
	} else {
		j.more++
	}
}

// begin compiles the schema.
func (j *backupJudge) begin(head *backupHead) error {
	if j.schema != nil {
		return nil
	}
	var err error
	if j.schema, err = compileSchema("", head.Schema); err != nil {
		return err
	}
	j.judge = engine.ConstraintJudge{
		Constraints: func(t *schema.Type) []*schema.Constraint { return t.Constraints },
		Violated:    func(v engine.Violation) { j.fault(errors.New(v.String())) },
	}
	return nil
}

func (j *backupJudge) add(head *backupHead, line int64, r engine.Relationship) error {
	if err := j.begin(head); err != nil {
		return err
	}
	switch c := r.Compare(j.last); {
	case j.any && c == 0:
		return fmt.Errorf("line %d: %s is there twice", line, r.Key())
	case j.any && c < 0:
		return fmt.Errorf("line %d: %s comes after %s: the lines are not in order", line, r.Key(), j.last)
	}
	j.any, j.last = true, r.Key()
	if err := engine.Validate(j.schema, r); err != nil {
		j.fault(fmt.Errorf("line %d: %w", line, err))
		return nil
	}
	j.judge.Add(j.schema.Type(r.Resource.Type), r)
	return nil
}

func (j *backupJudge) done(head *backupHead) error {
	if err := j.begin(head); err != nil {
		return err
	}
	j.judge.Done()
	if j.more > 0 {
		j.faults = append(j.faults, fmt.Errorf("and %d more faults", j.more))
	}
	return errors.Join(j.faults...)
}
