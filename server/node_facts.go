package server

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// build says what program this is.
func (s *Server) build() *consolev1.Build {
	b := &consolev1.Build{Version: s.config.Version, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, kv := range info.Settings {
		switch kv.Key {
		case "vcs.revision":
			b.Commit = kv.Value
		case "vcs.time":
			b.CommitTime = kv.Value
		case "vcs.modified":
			b.Modified = kv.Value == "true"
		}
	}
	return b
}

// runtime says how the process is.
func (s *Server) runtime(st *replica.Status) *consolev1.Runtime {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	r := &consolev1.Runtime{
		Started: timestamppb.New(st.Since), Cpus: uint32(runtime.GOMAXPROCS(0)), Goroutines: uint32(runtime.NumGoroutine()),
		HeapBytes: memory.HeapAlloc, MemoryBytes: memory.Sys - memory.HeapReleased, MemoryLimitBytes: uint64(max(s.limits.Memory, 0)),
		Collections: uint64(memory.NumGC), TotalPause: durationpb.New(time.Duration(memory.PauseTotalNs)),
		Calls: uint64(s.gates.calls.inside.Load()), Streams: uint64(s.gates.streams.inside.Load()), Watches: uint64(s.gates.watches.inside.Load()),
	}
	if memory.NumGC > 0 {
		r.LastPause = durationpb.New(time.Duration(memory.PauseNs[(memory.NumGC+255)%256]))
	}
	return r
}

func raftMessage(st *replica.Status) *consolev1.Raft {
	number := func(key string) uint64 {
		n, err := strconv.ParseUint(st.Raft[key], 10, 64)
		if err != nil {
			return 0 // raft does not know yet
		}
		return n
	}
	m := &consolev1.Raft{
		State: strings.ToLower(st.Raft["state"]), Leader: st.LeaderID, Term: number("term"), CommitIndex: number("commit_index"),
		AppliedIndex: st.Applied, LastIndex: st.LastIndex, SnapshotIndex: st.Snapshot,
		LeaderChanges: st.LeaderChanges, Forwarded: st.Forwarded, SnapshotsInstalled: st.SnapshotInstalls, HashMismatches: st.HashMismatches,
		Version: uint32(st.Version), Cluster: clusterName(st.Cluster), Epoch: st.Epoch, Voters: uint32(st.Voters), Members: uint32(st.Members),
		Draining: st.Draining,
	}
	if st.LastContact >= 0 {
		m.LastContact = durationpb.New(st.LastContact)
	}
	if st.LogRecent > 0 {
		m.LogWrite = durationpb.New(st.LogRecent)
	}
	if d := st.Measures.ApplySeconds; d.Count > 0 {
		m.Apply = durationpb.New(time.Duration(d.Sum / float64(d.Count) * float64(time.Second)))
	}
	if st.Err != nil {
		m.NotServing = st.Err.Error()
	}
	return m
}

func databaseMessage(st *replica.Status) *consolev1.Database {
	in := &st.Store.Internals
	m := &consolev1.Database{
		InMemory: st.TotalBytes == 0, Head: uint64(st.Head), Floor: uint64(st.Floor), LastWrite: fromTime(st.Store.Time),
		Relationships: uint64(st.Store.Relationships), Bytes: uint64(st.Store.Bytes), FreeBytes: st.FreeBytes, TotalBytes: st.TotalBytes,
		Memtables: uint32(in.Memtables), StallTables: uint32(in.Stall), OpenSnapshots: uint32(st.Store.Snapshots),
		Stalled: len(in.Levels) > 0 && in.Stall > 0 && in.Levels[0].Tables >= in.Stall,
	}
	for _, l := range in.Levels {
		m.Levels = append(m.Levels, &consolev1.Level{Tables: uint32(l.Tables), Bytes: uint64(l.Bytes), StaleBytes: uint64(l.StaleBytes), Score: l.Score})
	}
	return m
}

func cacheMessage(c *store.CacheStats) *consolev1.Cache {
	return &consolev1.Cache{
		Entries: uint64(c.Entries), Bytes: uint64(c.Bytes), MaxBytes: uint64(c.MaxBytes), Hits: c.Hits, Misses: c.Misses, Evictions: c.Evictions,
		AnswerHits: c.Answers.Hits, AnswerMisses: c.Answers.Misses, AnswerStale: c.Answers.Stale, AnswerBytes: uint64(c.Answers.Bytes),
	}
}
