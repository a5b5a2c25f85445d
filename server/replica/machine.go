package replica

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// applied is what became of one command.
type applied struct {
	outcome  store.Outcome
	refusal  error // of the transaction; the state is as before
	repeated bool
	broken   error // the machine stopped
}

// machine applies the log to the store. Its methods are called by raft, one at a
// time and in the order of the log.
type machine struct {
	store   *store.Store
	state   *state
	moved   func()                // the head may have moved
	stopped func(error)           // the machine cannot go on; called once
	install func(io.Reader) error // takes over the state of another member
	broken  error

	mu    sync.Mutex    // held while an entry is applied
	index atomic.Uint64 // of the newest entry that was applied
	bytes atomic.Int64  // of the entries since the last snapshot of the log
}

var _ raft.BatchingFSM = (*machine)(nil)

// Apply implements raft.FSM.
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM. Entries that are not commands change
// nothing here.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	results := make([]any, len(logs))
	for i, l := range logs {
		results[i] = m.apply(l)
	}
	m.moved()
	return results
}

// apply applies one entry, unless it was applied already: before raft began, by
// replay.
func (m *machine) apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.Index <= m.index.Load() {
		return &applied{}
	}
	if m.broken != nil {
		return &applied{broken: m.broken}
	}
	m.index.Store(l.Index)
	if l.Type != raft.LogCommand {
		return nil
	}
	m.bytes.Add(int64(len(l.Data)))
	c, err := decodeCommand(l.Data)
	var a *applied
	if err == nil && bugLostEntry && len(c.tx.Updates) > 0 && time.Now().UnixNano()%64 == 0 {
		return &applied{outcome: store.Outcome{Revision: m.store.Head()}}
	}
	if err == nil {
		a, err = m.command(store.Revision(l.Index), c, l.Data)
	}
	if err != nil {
		m.broken = fmt.Errorf("applying entry %d of the log: %w", l.Index, err)
		m.stopped(m.broken)
		return &applied{broken: m.broken}
	}
	return a
}

// halt has the machine apply nothing more.
func (m *machine) halt(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken == nil {
		m.broken = err
		m.stopped(err)
	}
}

// command applies one command. An error is one that the machine cannot go on
// after.
func (m *machine) command(rev store.Revision, c *command, data []byte) (*applied, error) {
	m.state.time = max(m.state.time, c.time)
	if c.origin.session == 0 {
		return m.act(rev, c, data)
	}
	s := m.state.sessions.use(c.origin, m.state.time)
	if c.origin.sequence <= s.settled { // its proposer has given up
		return &applied{refusal: errSettled}, nil
	}
	if old := s.outcomes[c.origin.sequence]; old != nil {
		return &applied{outcome: old.outcome, refusal: old.refusal, repeated: old.repeated}, nil
	}
	a, err := m.act(rev, c, data)
	if err == nil {
		s.outcomes[c.origin.sequence] = &remembered{outcome: a.outcome, refusal: a.refusal, repeated: a.repeated}
	}
	return a, err
}

// act does what a command says that was not applied before.
func (m *machine) act(rev store.Revision, c *command, data []byte) (*applied, error) {
	switch c.kind {
	case kindFound:
		return m.found(rev, c)
	case kindVersion:
		if c.version > maxFormat {
			return nil, fmt.Errorf("the cluster gets version %d, and this version knows formats %d to %d: run the newer version", c.version, minFormat, maxFormat)
		}
		m.state.version = max(m.state.version, c.version)
		return &applied{}, nil
	case kindEpoch:
		m.state.history.epoch = max(m.state.history.epoch, c.epoch)
		return m.write(rev, &store.Transaction{})
	case kindSettings:
		m.state.settings = c.settings
		return &applied{}, nil
	case kindStage:
		return m.state.stages.add(c, m.state.time), nil
	case kindDrop:
		m.state.stages.drop(c.drops)
		return &applied{}, nil
	}
	if c.key == (retryKey{}) {
		return m.transaction(rev, c)
	}
	return m.once(rev, c, data)
}

// once applies a command with a retry key, or says what became of the first one
// that had it.
func (m *machine) once(rev store.Revision, c *command, data []byte) (*applied, error) {
	sum := digest(c.asked(data))
	if c.kind == kindImport {
		sum = m.state.stages.digest(c)
	}
	if old := m.state.retries.find(c.key); old != nil && !bugLostRetry {
		m.state.stages.drop([]uint64{c.stage})
		if old.digest == sum || c.stage != 0 && old.stage == c.stage {
			return &applied{outcome: old.outcome, refusal: old.refusal, repeated: true}, nil
		}
		return &applied{refusal: errRetryMismatch}, nil
	}
	if !m.state.retries.room(m.state.time) {
		return &applied{refusal: &UnavailableError{Msg: "too many writes with idempotency keys within ten minutes", RetryAfter: time.Minute}}, nil
	}
	a, err := m.transaction(rev, c)
	if err == nil && !schemaMoved(a) && !schemaReplaced(a) { // that is tried again
		m.state.retries.add(&remembered{key: c.key, digest: sum, stage: c.stage, time: m.state.time, outcome: a.outcome, refusal: a.refusal})
	}
	return a, err
}

// schemaMoved reports whether a schema was refused only because it has to be
// judged again.
func schemaMoved(a *applied) bool {
	moved := (*store.SchemaMovedError)(nil)
	return errors.As(a.refusal, &moved)
}

// schemaReplaced reports whether a schema was refused because another one was written
// since it was judged or seen by its writer: it may be right in place of that one.
func schemaReplaced(a *applied) bool {
	replaced := (*store.SchemaVersionError)(nil)
	return errors.As(a.refusal, &replaced)
}

// found names the cluster, once.
func (m *machine) found(rev store.Revision, c *command) (*applied, error) {
	if m.state.history.cluster != 0 {
		return &applied{}, nil
	}
	m.state.history = history{cluster: c.cluster, epoch: 1}
	m.state.version = max(m.state.version, c.version)
	return m.write(rev, &store.Transaction{})
}

// transaction applies a transaction or an import.
func (m *machine) transaction(rev store.Revision, c *command) (*applied, error) {
	if c.kind == kindImport {
		updates, err := m.state.stages.take(c.stage, c.part)
		if err != nil {
			return &applied{refusal: err}, nil
		}
		c.tx.Updates = updates
	}
	return m.write(rev, &c.tx)
}

// write applies a transaction to the store.
func (m *machine) write(rev store.Revision, tx *store.Transaction) (*applied, error) {
	tx.Time = time.UnixMilli(m.state.time)
	outcome, err := m.store.Apply(rev, tx)
	switch {
	case err == nil:
		return &applied{outcome: *outcome}, nil
	case store.IsRefusal(err):
		return &applied{refusal: err}, nil
	}
	return nil, err
}

// settings returns those of the cluster.
func (m *machine) settings() settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.settings
}

// remembers reports whether there is an outcome for a retry key.
func (m *machine) remembers(k retryKey) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.retries.find(k) != nil
}

// abandoned returns the imports that were not continued since a moment.
func (m *machine) abandoned(before time.Time) []uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.stages.abandoned(before.UnixMilli())
}

// Snapshot implements raft.FSM: it copies what is kept in memory. The store
// keeps the rest by revision.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.broken != nil {
		return nil, m.broken
	}
	m.bytes.Store(0)
	data, err := m.state.encode(m.store.State())
	return &snapshot{store: m.store, frame: frame{head: m.store.Head(), index: m.index.Load(), state: data}}, err
}

// Restore implements raft.FSM.
func (m *machine) Restore(rc io.ReadCloser) error {
	if m.broken != nil {
		return m.broken
	}
	return m.install(rc)
}

// snapshot is a state on its way to the disk.
type snapshot struct {
	store *store.Store
	frame frame
}

// Persist implements raft.FSMSnapshot: once what the store holds is durable, the
// log before the snapshot may go.
func (s *snapshot) Persist(to raft.SnapshotSink) error {
	if k, ok := to.(*sink); ok {
		k.own = true
	}
	if err := s.store.Sync(); err != nil {
		return err
	}
	_, err := to.Write(s.frame.encode())
	return err
}

// Release implements raft.FSMSnapshot.
func (s *snapshot) Release() {}
