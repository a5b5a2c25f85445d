package replica

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// A snapshot of the log begins with a frame: what the machine keeps in memory.
// What is stored follows it only when it came from another member. This node's
// own snapshots do without, as the store still has it: it is read from there, at
// exactly the revision of the snapshot, when another member needs it. So a
// snapshot costs the same however much is stored.
//
// Snapshots of before there were frames are a state and nothing else. They begin
// with the format of the state, which is no frameMark.
const (
	frameMark   = 0xf1
	frameHeader = 1 + 1 + 8 + 8 + 8
)

// frame is the small part of a snapshot.
type frame struct {
	whole bool           // what is stored follows
	head  store.Revision // of the store
	index uint64         // of the newest entry that is in it; raft's index may be lower
	state []byte
}

func (f *frame) encode() []byte {
	buf := append(make([]byte, 0, frameHeader+len(f.state)), frameMark, 0)
	if f.whole {
		buf[1] = 1
	}
	for _, n := range []uint64{uint64(f.head), f.index, uint64(len(f.state))} {
		buf = binary.BigEndian.AppendUint64(buf, n)
	}
	return append(buf, f.state...)
}

// maxState bounds the small part of a snapshot that is read, in bytes.
const maxState = 4 << 30

// readFrame reads the small part of a snapshot; r is at what is stored then. Of
// one without a frame, head and index are 0.
func readFrame(r io.Reader) (*frame, error) {
	var header [frameHeader]byte
	n, err := io.ReadFull(r, header[:])
	if n > 0 && header[0] != frameMark {
		rest, err := io.ReadAll(r)
		return &frame{state: append(header[:n:n], rest...)}, err
	}
	if err != nil {
		return nil, fmt.Errorf("it is cut short: %w", err)
	}
	size := binary.BigEndian.Uint64(header[18:])
	if header[1] > 1 || size > maxState {
		return nil, fmt.Errorf("it is malformed: flags %#x, %d bytes of state", header[1], size)
	}
	f := &frame{whole: header[1] == 1, head: store.Revision(binary.BigEndian.Uint64(header[2:])), index: binary.BigEndian.Uint64(header[10:])}
	var state bytes.Buffer
	if _, err := io.CopyN(&state, r, int64(size)); err != nil {
		return nil, fmt.Errorf("it is cut short: %w", err)
	}
	f.state = state.Bytes()
	return f, nil
}

// snapshots are those of raft. One is kept: the store has let go of what an older
// one would need.
type snapshots struct {
	raft.SnapshotStore
	settle func(store.Revision) error
	newest atomic.Uint64 // index of the last one; 0: none
	loop   *loop         // which writes those of other members; nil before it runs

	dump  func(io.Writer, store.Revision) error // writes what is stored at a revision
	whole func() (scratch, error)               // where a snapshot is put together
	first store.Revision                        // that the store was opened at, for a snapshot without a frame
}

func openSnapshots(c *Config) (*snapshots, error) {
	dir := filepath.Join(c.Dir, raftDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	unfinished, err := filepath.Glob(filepath.Join(dir, "snapshots", "*.tmp"))
	if err != nil {
		return nil, err
	}
	for _, name := range unfinished { // raft would keep them for ever
		if err := os.RemoveAll(name); err != nil {
			return nil, err
		}
	}
	s, err := raft.NewFileSnapshotStore(dir, 1, &logWriter{log: c.Logger, now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("opening the snapshots of the log: %w", err)
	}
	return &snapshots{SnapshotStore: s}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshots) Create(v raft.SnapshotVersion, index, term uint64, servers raft.Configuration, serversIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	k, err := s.SnapshotStore.Create(v, index, term, servers, serversIndex, t)
	if err != nil {
		return nil, err
	}
	return &sink{SnapshotSink: k, snapshots: s, index: index}, nil
}

// sink is a snapshot that is being written.
type sink struct {
	raft.SnapshotSink
	snapshots *snapshots
	index     uint64
	own       bool // of this member: raft's main loop does not wait for it
}

// Write implements raft.SnapshotSink.
func (k *sink) Write(p []byte) (n int, err error) {
	k.waiting(func() { n, err = k.SnapshotSink.Write(p) })
	return n, err
}

func (k *sink) waiting(f func()) {
	if k.own || k.snapshots.loop == nil {
		f()
		return
	}
	k.snapshots.loop.waiting(f)
}

// Close implements raft.SnapshotSink. The snapshot is durable then.
func (k *sink) Close() (err error) {
	k.waiting(func() { err = k.SnapshotSink.Close() })
	if err != nil {
		return err
	}
	k.snapshots.newest.Store(k.index)
	return k.snapshots.settle(store.Revision(k.index))
}

// Open implements raft.SnapshotStore: the snapshot has all that is stored at its
// revision.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	f, err := readFrame(r)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reading the snapshot %s of the log: %w", id, err), r.Close())
	}
	if f.whole {
		return meta, &prefixed{Reader: io.MultiReader(bytes.NewReader(f.encode()), r), Closer: r}, nil
	}
	if err := r.Close(); err != nil {
		return nil, nil, err
	}
	if f.index == 0 {
		f.head, f.index = s.first, meta.Index
	}
	whole, size, err := s.complete(f)
	if err != nil {
		return nil, nil, fmt.Errorf("writing all that is stored for another member: %w", err)
	}
	whose := *meta
	whose.Size = size
	return &whose, whole, nil
}

type prefixed struct {
	io.Reader
	io.Closer
}

// complete puts a snapshot together that has what is stored, too.
func (s *snapshots) complete(f *frame) (io.ReadCloser, int64, error) {
	f.whole = true
	to, err := s.whole()
	if err != nil {
		return nil, 0, err
	}
	if _, err = to.Write(f.encode()); err == nil {
		err = s.dump(to, f.head)
	}
	size := int64(0)
	if err == nil {
		size, err = to.Seek(0, io.SeekEnd)
	}
	if err == nil {
		_, err = to.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, to.Close())
	}
	return to, size, nil
}

// scratch is a file without a name.
type scratch interface {
	io.ReadWriteSeeker
	io.Closer
}

// newScratch makes one in the data directory.
func (r *Replica) newScratch() (scratch, error) {
	dir := r.config.Dir
	if !r.config.InMemory {
		dir = filepath.Join(dir, raftDir)
	}
	f, err := os.CreateTemp(dir, "dump-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// dump writes what is stored at a revision for another member.
func (r *Replica) dump(w io.Writer, rev store.Revision) error {
	began := time.Now()
	err := r.store.Dump(r.ctx, rev, &roomy{w: w, r: r})
	if err == nil {
		r.dumps.Add(1)
		r.dumped.Store(int64(time.Since(began)))
	}
	return err
}

// roomy is a file that must not fill the disk.
type roomy struct {
	w    io.Writer
	r    *Replica
	next int // bytes until the space is looked at
}

const roomyEvery = 16 << 20

func (w *roomy) Write(p []byte) (int, error) {
	if w.next -= len(p); w.next < 0 {
		w.next = roomyEvery
		need := w.r.config.minFree() / 4
		if s := w.r.space(); s.below(need + roomyEvery) {
			return 0, &store.DiskFullError{Dir: w.r.config.Dir, Free: s.free, Need: need}
		}
	}
	return w.w.Write(p)
}

// readSnapshot returns the state of the newest snapshot and the store's part of
// it, or the empty state.
func readSnapshot(c *Config) (*state, []byte, error) {
	b, err := openBase(c)
	if err != nil {
		return nil, nil, err
	}
	return b.state, b.stored, b.close()
}

// base is where a node begins: the newest snapshot of its log, or nothing.
type base struct {
	state  *state
	stored []byte    // the store's part of the state; nil: nothing
	index  uint64    // of the newest entry that is in it
	rest   io.Reader // all that is stored, when the store has to take it over; nil: it has it
	file   io.Closer // may be nil
}

func (b *base) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// openBase reads the newest snapshot. When that came from another member and the
// node died before the store took it over, it is what is left to be done.
func openBase(c *Config) (*base, error) {
	if c.InMemory {
		return &base{state: newState()}, nil
	}
	s, err := openSnapshots(c)
	if err != nil {
		return nil, err
	}
	all, err := s.List()
	if err != nil {
		return nil, fmt.Errorf("listing the snapshots of the log: %w", err)
	}
	if len(all) == 0 {
		return &base{state: newState()}, nil
	}
	meta, r, err := s.SnapshotStore.Open(all[0].ID)
	if err != nil {
		return nil, fmt.Errorf("opening the snapshot %s of the log: %w", all[0].ID, err)
	}
	b := &base{file: r, index: meta.Index}
	f, err := readFrame(r)
	if err == nil {
		b.index = max(b.index, f.index)
		b.state, b.stored, err = decodeState(f.state)
	}
	has := store.Revision(0)
	if err == nil && f.whole {
		has, err = store.BaseOf(c.Dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the snapshot %s of the log: %w", meta.ID, err), r.Close())
	}
	if f.whole && has != f.head {
		b.rest = r
	}
	return b, nil
}

// restore takes over the state of another member.
func (m *machine) restore(ctx context.Context, r io.Reader) error {
	f, err := readFrame(r)
	if err != nil {
		return fmt.Errorf("the snapshot cannot be read: %w", err)
	}
	s, stored, err := decodeState(f.state)
	if err != nil {
		return err
	}
	if !f.whole {
		return errors.New("the snapshot has only the small part of what is stored")
	}
	if err := m.store.Load(ctx, stored, r); err != nil {
		return err
	}
	m.mu.Lock()
	m.state = s
	m.index.Store(f.index)
	m.mu.Unlock()
	m.moved()
	return nil
}
