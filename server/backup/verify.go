package backup

import (
	"errors"
	"fmt"
	"os"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

// Verify returns what a backup holds, or why a store would not take it: the first
// faults, joined. The reader says what opens its sealed documents.
func Verify(name string, lines *Reader) (Head, End, error) {
	f, err := os.Open(name)
	if err != nil {
		return Head{}, End{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	j := &judge{lines: lines, chains: map[string]store.Link{}}
	lines.Documents = j.document
	head, end, err := check(f, lines, j.add)
	if err == nil {
		err = j.done()
	}
	return head, end, err
}

// mostFaults bounds the violations that are told of one backup.
const mostFaults = 10

// judge judges the relationships of a backup by its schema. They come
// in the order in which stores keep them.
type judge struct {
	lines  *Reader
	schema *schema.Schema
	judge  engine.ConstraintJudge
	any    bool
	last   engine.Relationship
	faults []error
	more   int

	chains map[string]store.Link // the newest record of each
}

// document judges the record of a chain: it must follow the one before.
func (j *judge) document(d *Document) error {
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

func (j *judge) fault(err error) {
	if len(j.faults) < mostFaults {
		j.faults = append(j.faults, err)
	} else {
		j.more++
	}
}

// begin compiles the schema.
func (j *judge) begin() error {
	if j.schema != nil {
		return nil
	}
	var err error
	if j.schema, err = schema.Compile(j.lines.Head.Schema, schema.Options{Caveats: caveat.New()}); err != nil {
		return err
	}
	j.judge = engine.ConstraintJudge{
		Constraints: func(t *schema.Type) []*schema.Constraint { return t.Constraints },
		Violated:    func(v engine.Violation) { j.fault(errors.New(v.String())) },
	}
	return nil
}

func (j *judge) add(r engine.Relationship) error {
	line := j.lines.Line
	if err := j.begin(); err != nil {
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

func (j *judge) done() error {
	if err := j.begin(); err != nil {
		return err
	}
	j.judge.Done()
	if j.more > 0 {
		j.faults = append(j.faults, fmt.Errorf("and %d more faults", j.more))
	}
	return errors.Join(j.faults...)
}
