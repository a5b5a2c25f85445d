package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/pemba-authz/pemba/engine"
)

// TestData runs the text cases of testdata: each file is one store.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata/cases", func(t *testing.T, path string) {
		w := &dataWorld{t: t, config: Config{Dir: t.TempDir(), MinFree: 1}}
		w.s = open(t, w.config)
		datadriven.RunTest(t, path, w.run)
		shut(t, w.s)
	})
}

type dataWorld struct {
	t      *testing.T
	config Config
	s      *Store
}

func (w *dataWorld) run(t *testing.T, d *datadriven.TestData) string {
	w.t = t
	var out string
	var err error
	switch d.Cmd {
	case "schema":
		tx := &Transaction{Schema: &d.Input}
		if seen := -1; d.HasArg("seen") {
			d.ScanArgs(t, "seen", &seen)
			tx.SchemaSeen = new(Revision(seen))
		}
		out, err = w.apply(d, tx)
	case "write":
		var tx *Transaction
		if tx, err = parseTransaction(d.Input); err == nil {
			out, err = w.apply(d, tx)
		}
	case "reopen":
		shut(t, w.s)
		w.s = open(t, w.config)
	case "import":
		out, err = w.importLines(d)
	case "stats":
		out = w.stats()
	case "backward", "chain", "changes", "count", "documents", "find", "history", "holders", "versions", "read", "subjects":
		out, err = w.read(d)
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	if err != nil {
		var imported *ImportError
		name := fmt.Sprintf("%T", err)
		if errors.As(err, &imported) {
			name = fmt.Sprintf("%T %T", err, imported.Err)
		}
		return out + strings.ReplaceAll(fmt.Sprintf("%s: %v\n", strings.ReplaceAll(name, "store.", ""), err), w.config.Dir, "DIR")
	}
	if out == "" {
		return "ok\n"
	}
	return out
}

// apply applies at the next revision, or the one named by "rev", at the test's
// time plus "at" (a duration).
func (w *dataWorld) apply(d *datadriven.TestData, tx *Transaction) (string, error) {
	rev, floor, at := int(w.s.Head()+1), 0, "0s"
	d.MaybeScanArgs(w.t, "rev", &rev)
	d.MaybeScanArgs(w.t, "floor", &floor)
	d.MaybeScanArgs(w.t, "at", &at)
	d.MaybeScanArgs(w.t, "actor", &tx.Actor)
	offset, err := time.ParseDuration(at)
	if err != nil {
		return "", err
	}
	tx.Time, tx.Floor = testTime.Add(offset), Revision(floor)
	o, err := w.s.Apply(Revision(rev), tx)
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf("revision %d:", o.Revision)
	for _, n := range []struct {
		count int
		what  string
	}{{o.Created, "created"}, {o.Touched, "touched"}, {o.Deleted, "deleted"}, {o.Unchanged, "unchanged"}} {
		if n.count > 0 {
			out += fmt.Sprintf(" %d %s", n.count, n.what)
		}
	}
	if o.More {
		out += " and more to delete"
	}
	if len(o.Records) > 0 {
		out += fmt.Sprint(" records ", o.Records)
	}
	return out + "\n", nil
}

func (w *dataWorld) importLines(d *datadriven.TestData) (string, error) {
	o := ImportOptions{Time: testTime, Op: Touch}
	if d.HasArg("create") {
		o.Op = Create
	}
	d.MaybeScanArgs(w.t, "batch", &o.Batch)
	done, err := w.s.Import(context.Background(), func(yield func(engine.Relationship, error) bool) {
		for line := range strings.Lines(d.Input) {
			r, err := engine.ParseRelationship(strings.TrimSpace(line))
			if !yield(r, err) {
				return
			}
		}
	}, o)
	return fmt.Sprintf("imported %d (%d unchanged) in %d transactions, revision %d\n", done.Relationships, done.Unchanged, done.Transactions, done.Revision), err
}

func (w *dataWorld) stats() string {
	st := w.s.Stats()
	var lines []string
	for k, n := range st.Counts {
		lines = append(lines, fmt.Sprintf("%s: %d\n", k, n))
	}
	slices.Sort(lines)
	return fmt.Sprintf("head %d floor %d relationships %d\n", st.Head, st.Floor, st.Relationships) + strings.Join(lines, "")
}

func (w *dataWorld) read(d *datadriven.TestData) (string, error) {
	at, from := 0, 0
	d.MaybeScanArgs(w.t, "at", &at)
	d.MaybeScanArgs(w.t, "from", &from)
	sn, err := w.s.Snapshot(Revision(at))
	if err != nil {
		return "", err
	}
	defer sn.Close()
	switch d.Cmd {
	case "changes":
		return w.changes(sn, Revision(from))
	case "backward":
		prefix, before, _ := strings.Cut(strings.TrimSpace(d.Input), " before ")
		return listDocuments(sn.DocumentsBackward(context.Background(), prefix, before))
	case "chain":
		c, ok, err := sn.Chain(strings.TrimSpace(d.Input))
		if err != nil || !ok {
			return "none\n", err
		}
		return fmt.Sprintf("first %d next %d floor %.8s last %.8s\n", c.First, c.Next, c.FloorHash, c.LastHash), nil
	case "documents":
		prefix, after, _ := strings.Cut(strings.TrimSpace(d.Input), " after ")
		return listDocuments(sn.Documents(context.Background(), prefix, after))
	case "find":
		return find(sn, d.Input)
	case "history":
		return history(sn, d)
	case "versions":
		return schemaVersions(sn)
	case "subjects", "holders":
		return pages(sn, d)
	}
	f, after, err := parseFilter(d.Input)
	if err != nil {
		return "", err
	}
	if d.Cmd == "count" {
		n, err := sn.Count(context.Background(), f)
		return fmt.Sprintln(n), err
	}
	out := ""
	for r, err := range sn.Relationships(context.Background(), f, after) {
		if err != nil {
			return out, err
		}
		out += r.String() + "\n"
	}
	if out == "" {
		out = "none\n"
	}
	return out, nil
}

func (w *dataWorld) changes(sn *Snapshot, from Revision) (string, error) {
	out := ""
	for r, err := range sn.Changes(context.Background(), from) {
		if err != nil {
			return out, err
		}
		out += fmt.Sprintf("revision %d after %d at %s", r.Revision, r.Previous, r.Time.Sub(testTime))
		if r.Actor != "" {
			out += " by " + r.Actor
		}
		if r.Schema {
			out += " schema"
		}
		out += "\n"
		for _, c := range r.Changes {
			out += fmt.Sprintf("  %s %s\n", c.Op, c.Relationship)
			if c.Op == Touch {
				before := c.Relationship
				before.Trait = c.Before
				out += fmt.Sprintf("    was %s\n", before)
			}
		}
		for _, c := range r.Documents {
			out += fmt.Sprintf("  %s document %s (%s)", c.Op, c.Key, c.Class)
			if c.Chained {
				out += " of a chain"
			}
			out += "\n"
		}
	}
	return out, nil
}

// history reads "type:id[#relation[@subject]]", in pages of "page" events.
func history(sn *Snapshot, d *datadriven.TestData) (string, error) {
	f := Filter{}
	resource, subject, whole := strings.Cut(strings.TrimSpace(d.Input), "@")
	resource, f.Relation, _ = strings.Cut(resource, "#")
	f.ResourceType, f.ResourceID, _ = strings.Cut(resource, ":")
	if whole {
		s, err := engine.ParseSubject(subject)
		if err != nil {
			return "", err
		}
		f.Subject = &SubjectFilter{Type: s.Type, ID: s.ID, Relation: &s.Relation}
	}
	floor, since, err := sn.Retained()
	if err != nil {
		return "", err
	}
	page := 100
	if d.HasArg("page") {
		if page, err = strconv.Atoi(d.CmdArgs[0].Vals[0]); err != nil {
			return "", err
		}
	}
	out := fmt.Sprintf("whole after revision %d, since %s\n", floor, since.Sub(testTime))
	var after *Event
	for more := true; more; {
		var events []Event
		if events, more, err = sn.History(context.Background(), f, after, page); err != nil {
			return "", err
		}
		for i := range events {
			e := &events[i]
			after = e
			out += fmt.Sprintf("%d %s %s", e.Revision, e.Op, e.Relationship)
			h, ok, err := sn.RecordHead(e.Revision)
			if err != nil {
				return "", err
			}
			if ok {
				out += fmt.Sprintf(" at %s by %q expiry %t", h.Time.Sub(testTime), h.Actor, h.Expiry)
			}
			out += "\n"
		}
		if more {
			out += "--\n"
		}
	}
	return out, nil
}

func schemaVersions(sn *Snapshot) (string, error) {
	revisions, err := sn.SchemaRevisions()
	out := ""
	for _, rev := range revisions {
		text, ok, err := sn.SchemaText(rev)
		if err != nil || !ok {
			return "", fmt.Errorf("schema of revision %d: %t %w", rev, ok, err)
		}
		h, ok, err := sn.RecordHead(rev)
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf("%d: %d bytes, recorded %t by %q\n", rev, len(text), ok && h.Schema, h.Actor)
	}
	return out, err
}

func listDocuments(all iter.Seq2[Document, error]) (string, error) {
	out := ""
	for doc, err := range all {
		if err != nil {
			return out, err
		}
		out += fmt.Sprintf("%s %s %d %s\n", doc.Key, doc.Class, doc.Version, doc.Value)
	}
	return out, nil
}

func find(sn *Snapshot, text string) (string, error) {
	r, err := engine.ParseRelationship(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	trait, ok, err := sn.Find(r.Resource, r.Relation, r.Subject)
	if err != nil || !ok {
		return "not found\n", err
	}
	r.Trait = trait
	return r.String() + "\n", nil
}

// pages reads "subjects type:id relation subjectType [subjectRelation]" and
// "holders type:id[#relation] resourceType relation", page by page.
func pages(sn *Snapshot, d *datadriven.TestData) (string, error) {
	f := append(strings.Fields(d.Input), "")
	subject, err := engine.ParseSubject(f[0])
	if err != nil {
		return "", err
	}
	out, after, more := "", "", true
	for more {
		var page []engine.Entry
		if d.Cmd == "subjects" {
			page, more, err = sn.Subjects(subject.Object, f[1], f[2], f[3], after)
		} else {
			page, more, err = sn.Resources(subject, f[1], f[2], after)
		}
		if err != nil {
			return out, err
		}
		for _, e := range page {
			out, after = out+e.ID+"\n", e.ID
		}
	}
	return out, nil
}

func parseTransaction(text string) (*Transaction, error) {
	tx := &Transaction{}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "create", "touch", "delete":
			r, err := engine.ParseRelationship(rest)
			if err != nil {
				return nil, err
			}
			op := map[string]Op{"create": Create, "touch": Touch, "delete": Delete}[word]
			tx.Updates = append(tx.Updates, Update{op, r})
		case "must", "must-not":
			f, _, err := parseFilter(rest)
			if err != nil {
				return nil, err
			}
			tx.Preconditions = append(tx.Preconditions, Precondition{f, word == "must"})
		case "delete-all", "delete-some":
			limit, filter, _ := strings.Cut(rest, " ")
			f, _, err := parseFilter(filter)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(limit)
			if err != nil {
				return nil, err
			}
			tx.Deletes = append(tx.Deletes, FilterDelete{f, n, word == "delete-some"})
		case "version": // KEY VERSION
			key, version, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(version)
			if err != nil {
				return nil, err
			}
			tx.DocumentPreconditions = append(tx.DocumentPreconditions, DocumentPrecondition{key, Revision(n)})
		case "record", "stored": // CHAIN VALUE
			chain, value, _ := strings.Cut(rest, " ")
			tx.Records = append(tx.Records, ChainRecord{chain, []byte(value), word == "stored"})
		case "forget": // CHAIN THROUGH
			chain, through, _ := strings.Cut(rest, " ")
			n, err := strconv.ParseUint(through, 10, 64)
			if err != nil {
				return nil, err
			}
			tx.Forget = append(tx.Forget, ForgetRecords{chain, n})
		case "document", "undocument":
			doc, err := parseDocument(rest)
			if err != nil {
				return nil, err
			}
			tx.Documents = append(tx.Documents, doc)
		default:
			return nil, fmt.Errorf("unknown line %q", line)
		}
	}
	return tx, nil
}

// parseDocument reads "KEY [CLASS [VALUE [VERSION]]]"; "-" is left out.
func parseDocument(text string) (DocumentUpdate, error) {
	f := append(strings.Fields(text), "-", "-", "-")
	u := DocumentUpdate{Key: f[0], Class: map[string]Class{"open": ClassOpen, "sealed": ClassSealed}[f[1]]}
	if f[2] != "-" {
		u.Value = []byte(f[2])
	}
	if f[3] != "-" {
		n, err := strconv.Atoi(f[3])
		if err != nil {
			return u, err
		}
		v := Revision(n)
		u.IfVersion = &v
	}
	return u, nil
}

// parseFilter reads "type=… id=… prefix=… relation=… stype=… sid=… srel=…
// after=RELATIONSHIP"; srel= alone means no relation.
func parseFilter(text string) (f Filter, after *engine.Relationship, err error) {
	sub := SubjectFilter{}
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "type":
			f.ResourceType = value
		case "id":
			f.ResourceID = value
		case "prefix":
			f.ResourceIDPrefix = value
		case "relation":
			f.Relation = value
		case "stype":
			sub.Type = value
		case "sid":
			sub.ID = value
		case "srel":
			sub.Relation = &value
		case "after":
			r, err := engine.ParseRelationship(value)
			if err != nil {
				return f, nil, err
			}
			after = &r
		default:
			return f, nil, fmt.Errorf("unknown part %q", name)
		}
	}
	if sub != (SubjectFilter{}) {
		f.Subject = &sub
	}
	return f, after, nil
}
