package server

import (
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pemba-authz/pemba/server/replica"
)

// gauge is one number of a replica's status.
type gauge struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(replica.Status) float64
}

// replicaCollector tells what a replica says of itself when Prometheus asks.
type replicaCollector struct {
	status func() replica.Status
	gauges []gauge
	store  *storeCollector
}

func newReplicaCollector(status func() replica.Status) *replicaCollector {
	c := &replicaCollector{status: status, store: newStoreCollector()}
	add := func(kind prometheus.ValueType, name, help string, value func(replica.Status) float64) {
		c.gauges = append(c.gauges, gauge{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	const g, n = prometheus.GaugeValue, prometheus.CounterValue
	add(g, "pemba_ready", "1 when the node serves.", func(s replica.Status) float64 { return flag(s.Ready) })
	add(g, "pemba_raft_leader", "1 when the node leads its cluster.", func(s replica.Status) float64 { return flag(s.Leader) })
	add(g, "pemba_raft_last_index", "The newest entry of the log on this node.", func(s replica.Status) float64 { return float64(s.LastIndex) })
	add(n, "pemba_raft_applied_index", "The newest entry of the log that was applied.", func(s replica.Status) float64 { return float64(s.Applied) })
	add(g, "pemba_raft_apply_lag", "Entries of the log that are not applied yet.", func(s replica.Status) float64 {
		return float64(s.LastIndex - min(s.Applied, s.LastIndex))
	})
	for _, field := range []struct{ key, name, help string }{
		{"term", "pemba_raft_term", "The term of the cluster's leader."},
		{"commit_index", "pemba_raft_commit_index", "The newest entry that a majority holds."},
		{"fsm_pending", "pemba_raft_apply_pending", "Entries that wait to be applied."},
		{"num_peers", "pemba_raft_peers", "Other voting members."},
		{"last_snapshot_index", "pemba_raft_snapshot_index", "The entry that the newest snapshot of the log stands at."},
	} {
		add(g, field.name, field.help, func(s replica.Status) float64 {
			f, err := strconv.ParseFloat(s.Raft[field.key], 64)
			if err != nil {
				return 0 // raft does not know yet
			}
			return f
		})
	}
	c.describeCluster(add)
	add(g, "pemba_revision_head", "The newest revision that can be read.", func(s replica.Status) float64 { return float64(s.Head) })
	add(g, "pemba_revision_floor", "The oldest revision that can be read.", func(s replica.Status) float64 { return float64(s.Floor) })
	add(g, "pemba_last_write_timestamp_seconds", "Time of the newest entry.", func(s replica.Status) float64 {
		if s.Store.Time.IsZero() {
			return 0
		}
		return float64(s.Store.Time.UnixMilli()) / 1000
	})
	add(g, "pemba_relationships", "Relationships that are stored.", func(s replica.Status) float64 { return float64(s.Store.Relationships) })
	add(g, "pemba_badger_size_bytes", "Size of the database's files.", func(s replica.Status) float64 { return float64(s.Store.Bytes) })
	add(g, "pemba_snapshots_open", "Snapshots that requests hold.", func(s replica.Status) float64 { return float64(s.Store.Snapshots) })
	add(n, "pemba_cache_hits_total", "Reads that the cache answered.", func(s replica.Status) float64 { return float64(s.Store.Cache.Hits) })
	add(n, "pemba_cache_misses_total", "Reads that went to the database.", func(s replica.Status) float64 { return float64(s.Store.Cache.Misses) })
	add(n, "pemba_cache_evictions_total", "Entries that the cache dropped for room.", func(s replica.Status) float64 { return float64(s.Store.Cache.Evictions) })
	add(g, "pemba_cache_entries", "Entries in the cache.", func(s replica.Status) float64 { return float64(s.Store.Cache.Entries) })
	add(g, "pemba_cache_bytes", "Memory that the cache holds.", func(s replica.Status) float64 { return float64(s.Store.Cache.Bytes) })
	add(g, "pemba_cache_max_bytes", "Memory that the cache may hold.", func(s replica.Status) float64 { return float64(s.Store.Cache.MaxBytes) })
	return c
}

// describeCluster adds what the node itself knows of its cluster.
func (c *replicaCollector) describeCluster(add func(kind prometheus.ValueType, name, help string, value func(replica.Status) float64)) {
	const g, n = prometheus.GaugeValue, prometheus.CounterValue
	add(g, "pemba_cluster_epoch", "Counts the restores and recoveries of the cluster, from 1; 0: no cluster yet.", func(s replica.Status) float64 { return float64(s.Epoch) })
	add(g, "pemba_cluster_version", "The newest format of entries that may be written.", func(s replica.Status) float64 { return float64(s.Version) })
	add(g, "pemba_raft_has_leader", "1 when the node leads or knows who does.", func(s replica.Status) float64 { return flag(s.Leader || s.Ready) })
	add(g, "pemba_raft_last_contact_seconds", "Since when a follower has not heard of the leader; 0 on the leader, +Inf: it never has.", func(s replica.Status) float64 {
		switch {
		case s.Leader:
			return 0
		case s.LastContact < 0:
			return math.Inf(1)
		}
		return s.LastContact.Seconds()
	})
	add(n, "pemba_raft_leader_changes_total", "How often this node became the leader.", func(s replica.Status) float64 { return float64(s.LeaderChanges) })
	add(n, "pemba_raft_forwarded_total", "Proposals that this node handed to the leader.", func(s replica.Status) float64 { return float64(s.Forwarded) })
	add(n, "pemba_cluster_state_hash_mismatches_total", "Comparisons of state hashes that found members to differ.", func(s replica.Status) float64 { return float64(s.HashMismatches) })
	add(n, "pemba_raft_snapshot_installs_total", "How often this node took over all data from another member.", func(s replica.Status) float64 { return float64(s.SnapshotInstalls) })
	add(n, "pemba_raft_snapshot_dumps_total", "How often this node wrote all data for another member.", func(s replica.Status) float64 { return float64(s.SnapshotDumps) })
	add(g, "pemba_raft_snapshot_dump_seconds", "How long that took the last time.", func(s replica.Status) float64 { return s.SnapshotDump.Seconds() })
	add(g, "pemba_store_free_bytes", "Free space of the disk; 0 in memory.", func(s replica.Status) float64 { return float64(s.FreeBytes) })
	add(g, "pemba_store_total_bytes", "Size of the disk; 0 in memory.", func(s replica.Status) float64 { return float64(s.TotalBytes) })
}

// Describe implements prometheus.Collector.
func (c *replicaCollector) Describe(out chan<- *prometheus.Desc) {
	for _, g := range c.gauges {
		out <- g.desc
	}
	c.store.describe(out)
}

// Collect implements prometheus.Collector.
func (c *replicaCollector) Collect(out chan<- prometheus.Metric) {
	status := c.status()
	for _, g := range c.gauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(status))
	}
	c.store.collect(&status, out)
}
