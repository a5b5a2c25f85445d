package replica

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// Entry is an entry of a log in words.
type Entry struct {
	Index, Term uint64
	Kind        string    // noop, barrier, members, or the kind of a command
	Time        time.Time // of a command: when it was proposed, by the leader's clock; else zero
	Actor       string    // who wrote it, as far as it says so
	Bytes       int
	Does        []string // one thing each; of documents no content
	Err         error    // why it cannot be read
}

// ReadLog gives the entries of the log of a stopped node from an index on (0: the
// first that it has), and changes nothing. It ends after the first error: a
// *store.DirectoryInUseError, or one of the file system.
func ReadLog(dir string, from uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		b, err := openStopped(dir)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no log in %s", dir)
		}
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer func() { _ = b.Close() }() // it was only read
		for l, err := range entries(&checkedLog{b, filepath.Join(dir, raftDir, logFile)}, from) {
			if err != nil {
				yield(Entry{}, fmt.Errorf("reading the log in %s: %w", dir, err))
				return
			}
			if !yield(inWords(l), nil) {
				return
			}
		}
	}
}

func inWords(l *raft.Log) Entry {
	e := Entry{Index: l.Index, Term: l.Term, Bytes: len(l.Data)}
	switch l.Type {
	case raft.LogNoop:
		e.Kind = "noop"
	case raft.LogBarrier:
		e.Kind = "barrier"
	case raft.LogConfiguration:
		e.Kind = "members"
		for _, s := range servers(raft.DecodeConfiguration(l.Data)) {
			role := "read replica"
			if s.Voter {
				role = "voter"
			}
			e.say("%s %s at %s", role, s.ID, s.Address)
		}
	case raft.LogCommand:
		c, err := decodeCommand(l.Data)
		if err != nil {
			e.Kind, e.Err = "unknown", err
			return e
		}
		e.Time = time.UnixMilli(c.time).UTC()
		e.command(c)
	default:
		e.Kind = fmt.Sprintf("raft %v", l.Type)
	}
	return e
}

func (e *Entry) say(format string, args ...any) {
	e.Does = append(e.Does, fmt.Sprintf(format, args...))
}

func (e *Entry) command(c *command) {
	switch c.kind {
	case kindFound:
		e.Kind = "found"
		e.say("name the cluster %016x, version %d", c.cluster, max(c.version, 1))
	case kindTransaction:
		e.Kind = "transaction"
		e.transaction(&c.tx)
	case kindStage:
		e.Kind = "stage"
		e.say("keep part %d of import %016x: %d relationships", c.part, c.stage, len(c.updates))
	case kindImport:
		e.Kind = "import"
		e.say("commit import %016x of %d parts", c.stage, c.part)
		e.transaction(&c.tx)
	case kindDrop:
		e.Kind = "drop"
		for _, id := range c.drops {
			e.say("drop import %016x", id)
		}
	case kindVersion:
		e.Kind = "version"
		e.say("the cluster has version %d", c.version)
	case kindEpoch:
		e.Kind = "epoch"
		e.say("begin history %d", c.epoch)
	case kindSettings:
		e.Kind = "settings"
		e.say("autopilot %+v, without a vote %v, removed %v", c.settings.autopilot, c.settings.held, c.settings.removed)
	}
}

func (e *Entry) transaction(tx *store.Transaction) {
	e.Actor = tx.Actor
	if tx.Schema != nil {
		e.say("schema of %d bytes", len(*tx.Schema))
	}
	if tx.SchemaSeen != nil {
		e.say("only if no schema was written after revision %d", *tx.SchemaSeen)
	}
	for _, p := range tx.Preconditions {
		e.say("only if %s matches %s", p.Filter, map[bool]string{true: "something", false: "nothing"}[p.MustMatch])
	}
	for _, p := range tx.DocumentPreconditions {
		e.say("only if document %q has version %d", p.Key, p.Version)
	}
	for _, g := range tx.Guards {
		e.say("only if %s %s %s is %v", g.Resource, g.Permission, g.Subject, g.Must)
	}
	for _, d := range tx.Deletes {
		e.say("delete %s, at most %d", d.Filter, d.Limit)
	}
	for _, u := range tx.Updates {
		e.say("%s %s", u.Op, u.Relationship)
	}
	for _, d := range tx.Documents {
		if d.Value == nil {
			e.say("delete document %q", d.Key)
		} else {
			e.say("write document %q (%s, %d bytes)", d.Key, d.Class, len(d.Value))
		}
	}
	for _, r := range tx.Records {
		e.say("append a record of %d bytes to chain %q", len(r.Value), r.Chain)
	}
	for _, f := range tx.Forget {
		e.say("remove the records of chain %q up to %d", f.Chain, f.Through)
	}
	for _, c := range tx.Counters {
		e.say("counter %q", c.Name)
	}
	for _, r := range tx.Expired {
		e.say("expired %s", r)
	}
	if tx.Floor > 0 {
		e.say("floor %d", tx.Floor)
	}
}
