package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// A batch of an import is one transaction.
const (
	defaultBatch   = 4_000
	batchBytes     = 512 << 10 // of relationship keys and traits
	batchesAhead   = 2         // that are prepared while one is written
	importSync     = 256       // batches between two barriers
	maxImportHeld  = 1_000_000 // relationships that wait for another
	maxImportBatch = 10_000
)

// ImportOptions says how relationships are imported.
type ImportOptions struct {
	Op       Op             // Create: refuse those that exist; Touch (also 0): replace them
	Time     time.Time      // of every transaction
	Batch    int            // relationships in a transaction; 0: 4,000; at most 10,000
	Progress func(Imported) // called after every transaction; may be nil
	Actor    string
	Metadata map[string]any
}

// Imported says what an import has written.
type Imported struct {
	Revision      Revision // of the last transaction; 0: none
	Transactions  int
	Relationships int64 // that were read and are stored now
	Unchanged     int64 // of them, those that were stored before
}

// ImportError says why an import ended early, and what it had written by then.
// An import with Touch can simply be run again.
type ImportError struct {
	Imported Imported
	Err      error
}

func (e *ImportError) Error() string {
	if e.Imported.Transactions == 0 {
		return fmt.Sprintf("import stopped, and nothing was written: %v", e.Err)
	}
	return fmt.Sprintf("import stopped after %d relationships in %d transactions, the last at revision %d: %v",
		e.Imported.Relationships, e.Imported.Transactions, e.Imported.Revision, e.Err)
}

func (e *ImportError) Unwrap() error { return e.Err }

// Import writes relationships in many transactions at the revisions after the
// head, and makes them durable. Each transaction is judged as any other. So that
// at_least_one constraints can be judged on what the import leaves rather than
// on where it was cut, relationships of a resource wait until those come that
// the resource cannot do without; if they never come, the waiting ones are
// refused at the end.
//
// The sequence is read by another goroutine, which has ended when Import
// returns. It returns an *ImportError; what was written before stays.
func (s *Store) Import(ctx context.Context, relationships iter.Seq2[engine.Relationship, error], o ImportOptions) (Imported, error) {
	if o.Op == 0 {
		o.Op = Touch
	}
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	o.Batch = min(o.Batch, maxImportBatch)
	var done Imported
	sn, err := s.Snapshot(0)
	if err != nil {
		return done, &ImportError{Err: err}
	}
	defer sn.Close()
	err = s.importAll(ctx, sn, relationships, &o, &done)
	if done.Transactions > 0 {
		if syncErr := s.Sync(); err == nil {
			err = syncErr
		}
	}
	if err != nil {
		return done, &ImportError{Imported: done, Err: err}
	}
	return done, nil
}

func (s *Store) importAll(ctx context.Context, sn *Snapshot, relationships iter.Seq2[engine.Relationship, error], o *ImportOptions, done *Imported) error {
	current, err := sn.Schema()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &importer{
		ctx: ctx, schema: current, options: o, batches: make(chan *batch, batchesAhead),
		batch: newBatch(o), gate: newGate(sn, current),
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(p.batches)
		p.err = p.read(relationships)
	})
	defer wg.Wait()
	defer cancel()
	w := &batchWriter{store: s, done: done, progress: o.Progress}
	for b := range p.batches {
		if err := w.write(b); err != nil {
			return w.finish(err)
		}
	}
	return w.finish(p.err)
}

// batchWriter applies batches. It judges one while the one before is written.
type batchWriter struct {
	store    *Store
	done     *Imported
	progress func(Imported)

	flying  *batch // what was begun last
	outcome Outcome
}

func (w *batchWriter) write(b *batch) error {
	return w.report(func() error {
		b.tx.Updates = b.updates
		j, err := w.store.judge(w.store.state.head+1, &b.tx, b.prepared)
		if err != nil {
			return err
		}
		if err := w.land(); err != nil {
			return err
		}
		w.store.begin(j)
		w.flying, w.outcome = b, j.outcome
		return nil
	})
}

// finish waits for the last batch, after an error or nil.
func (w *batchWriter) finish(err error) error {
	if landErr := w.report(w.land); landErr != nil {
		return errors.Join(err, landErr)
	}
	return err
}

// report does a step under mu and then tells what has landed in it.
func (w *batchWriter) report(step func() error) error {
	before := w.done.Transactions
	w.store.mu.Lock()
	err := step()
	w.store.mu.Unlock()
	if w.progress != nil && w.done.Transactions > before {
		w.progress(*w.done)
	}
	return err
}

// land waits for the batch that was begun last, if nobody else has, and counts
// it. It is called under mu.
func (w *batchWriter) land() error {
	if err := w.store.land(); err != nil || w.flying == nil {
		return err
	}
	w.done.Revision = w.outcome.Revision
	w.done.Transactions++
	w.done.Relationships += int64(len(w.flying.updates))
	w.done.Unchanged += int64(w.outcome.Unchanged)
	w.flying = nil
	if w.done.Transactions%importSync == 0 {
		return w.store.Sync()
	}
	return nil
}

// batch is a transaction on its way, with what its updates come to.
type batch struct {
	tx       Transaction
	updates  []Update
	prepared *prepared
	byKey    map[string]int // index by forward key
	bytes    int
}

func newBatch(o *ImportOptions) *batch {
	return &batch{
		tx:      Transaction{Time: o.Time, Actor: o.Actor, Metadata: o.Metadata},
		updates: make([]Update, 0, o.Batch), byKey: make(map[string]int, o.Batch),
		prepared: &prepared{keys: make([][]byte, 0, o.Batch), values: make([][]byte, 0, o.Batch)},
	}
}

// importer reads relationships and makes batches of them.
type importer struct {
	ctx     context.Context
	schema  *schema.Schema
	options *ImportOptions
	batches chan *batch
	batch   *batch
	gate    *gate
	err     error // after batches is closed
}

func (p *importer) read(relationships iter.Seq2[engine.Relationship, error]) error {
	for r, err := range relationships {
		if err != nil {
			return err
		}
		together, rest, err := p.gate.admit(r)
		if err != nil {
			return err
		}
		for _, r := range together {
			if err := p.add(r); err != nil {
				return err
			}
		}
		for _, r := range rest {
			if err := p.cut(); err != nil {
				return err
			}
			if err := p.add(r); err != nil {
				return err
			}
		}
		if err := p.cut(); err != nil {
			return err
		}
	}
	if err := p.gate.leftover(); err != nil {
		return err
	}
	return p.send()
}

// cut sends the batch off when it is full.
func (p *importer) cut() error {
	if len(p.batch.updates) >= p.options.Batch || p.batch.bytes >= batchBytes {
		return p.send()
	}
	return p.ctx.Err()
}

func (p *importer) send() error {
	if len(p.batch.updates) == 0 {
		return p.ctx.Err()
	}
	p.batch.prepared.schema = p.schema
	select {
	case p.batches <- p.batch:
		p.batch = newBatch(p.options)
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// add puts one relationship into the batch. Of two with one key the later
// replaces the earlier when touching; creating both is refused by the judge.
func (p *importer) add(r engine.Relationship) error {
	u := Update{Op: p.options.Op, Relationship: r}
	value, err := checkUpdate(p.schema, p.schema, &u)
	if err != nil {
		return &UpdateError{Update: u, Err: err}
	}
	b := p.batch
	key := forwardKey(nil, &r)
	b.bytes += len(key) + len(value)
	if i, ok := b.byKey[string(key)]; ok {
		if u.Op == Create {
			return &DuplicateUpdateError{Relationship: r}
		}
		b.updates[i], b.prepared.values[i] = u, value
		return nil
	}
	b.byKey[string(key)] = len(b.updates)
	b.updates = append(b.updates, u)
	b.prepared.keys = append(b.prepared.keys, key)
	b.prepared.values = append(b.prepared.values, value)
	return nil
}
