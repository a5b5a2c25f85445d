package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// verifyEvery is how many keys lie between two reports of progress.
const verifyEvery = 10_000

// Verify recomputes from the relationships at the head what follows from them
// (the reverse index, the counters, the state hash), checks the checksums of the
// files, that every value can be read, and that the records of changes follow
// one another. It returns a *CorruptError that says what differs. Transactions
// go on meanwhile.
//
// progress, when it is not nil, is called now and then with how many of the keys
// are done; their total is an estimate.
func (s *Store) Verify(ctx context.Context, progress func(done, total int64)) error {
	v, err := s.newVerifier(ctx, progress)
	if err != nil {
		return err
	}
	defer v.sn.Close()
	if err := v.sn.db.backend.verify(); err != nil {
		return s.corrupt("a checksum is wrong", err)
	}
	for _, step := range []func() error{v.forward, v.reverse, v.documents, v.chains, v.schema, v.records} {
		if err := step(); err != nil {
			return fmt.Errorf("verifying the store: %w", err)
		}
	}
	v.compare()
	if len(v.faults) > 0 {
		return s.corrupt(strings.Join(v.faults, "; "), nil)
	}
	return nil
}

type verifier struct {
	ctx      context.Context
	progress func(done, total int64)
	sn       *Snapshot
	want     state // as kept by the transactions
	got      state // as recomputed; the hash holds relationships first
	reversed Hash  // of the reverse index, as if it were the forward one
	done     int64
	faults   []string
}

func (s *Store) newVerifier(ctx context.Context, progress func(done, total int64)) (*verifier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.land(); err != nil {
		return nil, err
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		return nil, err
	}
	v := &verifier{ctx: ctx, progress: progress, sn: sn, want: *s.state, got: *newState()}
	v.want.counts, v.want.chains = maps.Clone(s.state.counts), maps.Clone(s.state.chains)
	return v, nil
}

// fault notes what is wrong; only the first few are told.
func (v *verifier) fault(format string, args ...any) {
	if len(v.faults) < maxExamples {
		v.faults = append(v.faults, fmt.Sprintf(format, args...))
	}
}

// step counts one key.
func (v *verifier) step() error {
	v.done++
	if v.done%verifyEvery == 0 {
		if v.progress != nil {
			v.progress(v.done, max(v.done, 2*v.want.relationships()))
		}
		return v.ctx.Err()
	}
	return nil
}

// table visits every key of a table.
func (v *verifier) table(table byte, visit func(key, value []byte, s *scan)) error {
	s := v.sn.view.scan([]byte{table})
	defer s.close()
	for s.seek(nil); s.valid(); s.next() {
		value, err := s.value()
		if err != nil {
			return err
		}
		visit(s.key(), value, s)
		if err := v.step(); err != nil {
			return err
		}
	}
	return v.ctx.Err()
}

func (v *verifier) forward() error {
	return v.table(tableForward, func(key, value []byte, _ *scan) {
		r, err := splitForward(key)
		if err != nil {
			v.fault("relationship key %q is malformed", key)
			return
		}
		if r.Trait, err = decodeTrait(value); err != nil {
			v.fault("relationship %s has a malformed trait", r)
			return
		}
		v.got.hash.add(key, value, 0)
		v.got.count(KindOf(&r), 1)
	})
}

func (v *verifier) reverse() error {
	var buf []byte
	n := int64(0)
	err := v.table(tableReverse, func(key, value []byte, _ *scan) {
		r, err := splitReverse(key)
		if err != nil {
			v.fault("reverse key %q is malformed", key)
			return
		}
		n++
		buf = forwardKey(buf[:0], &r)
		v.reversed.add(buf, value, 0)
	})
	if err != nil {
		return err
	}
	if n != v.got.relationships() || v.reversed != v.got.hash {
		v.fault("the reverse index holds %d relationships and the forward index %d, or they differ%s", n, v.got.relationships(), v.difference())
	}
	return nil
}

// difference finds a relationship that the two indexes do not agree on.
func (v *verifier) difference() string {
	var found string
	compare := func(table byte, split func([]byte) (string, []byte)) error {
		return v.table(table, func(key, value []byte, _ *scan) {
			if found != "" {
				return
			}
			name, other := split(key)
			if other == nil {
				return
			}
			if there, ok, err := v.sn.view.get(other); err == nil && (!ok || !bytes.Equal(there.value, value)) {
				found = ", for example " + name
			}
		})
	}
	err := errors.Join(
		compare(tableForward, func(key []byte) (string, []byte) {
			r, err := splitForward(key)
			if err != nil {
				return "", nil
			}
			return r.String(), reverseKey(nil, &r)
		}),
		compare(tableReverse, func(key []byte) (string, []byte) {
			r, err := splitReverse(key)
			if err != nil {
				return "", nil
			}
			return r.String(), forwardKey(nil, &r)
		}))
	if err != nil {
		return ""
	}
	return found
}

func (v *verifier) documents() error {
	return v.table(tableDocuments, func(key, value []byte, s *scan) {
		v.got.hash.add(key, value, s.mark())
		if _, chained := splitMark(s.mark()); chained {
			name, err := splitDocument(key)
			if _, known := v.want.chains[chainOf(name)]; err != nil || !known {
				v.fault("document %q is a record of a chain that there is not", name)
			}
		}
	})
}

// schema compiles the newest schema; older ones are compiled when they are read.
func (v *verifier) schema() error {
	current, err := v.sn.Schema()
	switch {
	case errors.Is(err, ErrNoSchema):
	case err != nil:
		v.fault("%v", err)
	default:
		v.got.hash.add([]byte{tableSchemas}, []byte(current.Source()), 0)
	}
	return nil
}

func (v *verifier) records() error {
	var last *Record
	for r, err := range v.sn.Changes(v.ctx, 0) {
		if err != nil {
			if v.ctx.Err() == nil {
				v.fault("%v", err)
				return nil
			}
			return err
		}
		if last != nil && r.Previous != last.Revision {
			v.fault("the record of revision %d follows %d, but the one before it is %d", r.Revision, r.Previous, last.Revision)
		}
		last = r
		if err := v.step(); err != nil {
			return err
		}
	}
	if last != nil && (last.Revision != v.want.head || last.Hash != v.want.hash || last.Time.UnixMilli() != v.want.time) {
		v.fault("the newest record is of revision %d with state hash %s, and the head is %d with %s", last.Revision, last.Hash, v.want.head, v.want.hash)
	}
	return nil
}

func (v *verifier) compare() {
	if v.got.hash != v.want.hash {
		v.fault("the state hash of revision %d is %s, recomputed it is %s", v.want.head, v.want.hash, v.got.hash)
	}
	for _, k := range slices.SortedFunc(maps.Keys(v.want.counts), Kind.Compare) {
		if v.got.counts[k] != v.want.counts[k] {
			v.fault("%s is counted %d times and stored %d times", k, v.want.counts[k], v.got.counts[k])
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(v.got.counts), Kind.Compare) {
		if _, ok := v.want.counts[k]; !ok {
			v.fault("%s is not counted and stored %d times", k, v.got.counts[k])
		}
	}
}
