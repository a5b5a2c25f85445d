package server

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// storeCollector tells what a replica measures of writes, and what its database
// says of itself. Levels are seven at most.
type storeCollector struct {
	measures []measured
	levels   []levelGauge
	gauges   []gauge
}

// measured is one distribution of a replica's status.
type measured struct {
	desc  *prometheus.Desc
	value func(*replica.Measures) replica.Distribution
}

// levelGauge is one number of each level of the database.
type levelGauge struct {
	desc  *prometheus.Desc
	value func(store.Level) float64
}

func newStoreCollector() *storeCollector {
	c := &storeCollector{}
	measure := func(name, help string, value func(*replica.Measures) replica.Distribution) {
		c.measures = append(c.measures, measured{prometheus.NewDesc(name, help, nil, nil), value})
	}
	measure("pemba_raft_log_seconds", "How long entries took to be durable in the log of this node.",
		func(m *replica.Measures) replica.Distribution { return m.LogSeconds })
	measure("pemba_raft_log_entries", "Entries that were made durable at once.",
		func(m *replica.Measures) replica.Distribution { return m.LogEntries })
	measure("pemba_apply_seconds", "How long it took to apply the entries that came at once.",
		func(m *replica.Measures) replica.Distribution { return m.ApplySeconds })
	measure("pemba_apply_entries", "Entries that were applied at once.",
		func(m *replica.Measures) replica.Distribution { return m.ApplyEntries })
	level := func(name, help string, value func(store.Level) float64) {
		c.levels = append(c.levels, levelGauge{prometheus.NewDesc(name, help, []string{"level"}, nil), value})
	}
	level("pemba_badger_tables", "Tables of a level.", func(l store.Level) float64 { return float64(l.Tables) })
	level("pemba_badger_level_bytes", "Size of the tables of a level.", func(l store.Level) float64 { return float64(l.Bytes) })
	level("pemba_badger_stale_bytes", "Size of the versions in a level that nobody can read any more.", func(l store.Level) float64 { return float64(l.StaleBytes) })
	level("pemba_badger_compaction_score", "How much a level needs to be compacted; from 1 on it is due.", func(l store.Level) float64 { return l.Score })
	add := func(kind prometheus.ValueType, name, help string, value func(replica.Status) float64) {
		c.gauges = append(c.gauges, gauge{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	const g, n = prometheus.GaugeValue, prometheus.CounterValue
	add(g, "pemba_badger_memtables", "Memtables in use or waiting to be written; 0 in memory.",
		func(s replica.Status) float64 { return float64(s.Store.Internals.Memtables) })
	add(g, "pemba_badger_stall_tables", "Tables in level 0 from which on writes wait.",
		func(s replica.Status) float64 { return float64(s.Store.Internals.Stall) })
	add(g, "pemba_badger_stalled", "1 while writes wait because level 0 has too many tables.", func(s replica.Status) float64 {
		in := s.Store.Internals
		return flag(len(in.Levels) > 0 && in.Stall > 0 && in.Levels[0].Tables >= in.Stall)
	})
	add(n, "pemba_cache_answer_hits_total", "Answers that were kept and still held.",
		func(s replica.Status) float64 { return float64(s.Store.Cache.Answers.Hits) })
	add(n, "pemba_cache_answer_misses_total", "Answers that had to be found.",
		func(s replica.Status) float64 { return float64(s.Store.Cache.Answers.Misses) })
	add(n, "pemba_cache_answer_stale_total", "Answers that were kept and no longer held.",
		func(s replica.Status) float64 { return float64(s.Store.Cache.Answers.Stale) })
	add(n, "pemba_cache_answer_evictions_total", "Answers that were dropped for room.",
		func(s replica.Status) float64 { return float64(s.Store.Cache.Answers.Evictions) })
	add(g, "pemba_cache_answer_bytes", "Memory that kept answers hold, as a part of the cache.",
		func(s replica.Status) float64 { return float64(s.Store.Cache.Answers.Bytes) })
	return c
}

func (c *storeCollector) describe(out chan<- *prometheus.Desc) {
	for _, m := range c.measures {
		out <- m.desc
	}
	for _, l := range c.levels {
		out <- l.desc
	}
	for _, g := range c.gauges {
		out <- g.desc
	}
}

func (c *storeCollector) collect(s *replica.Status, out chan<- prometheus.Metric) {
	for _, m := range c.measures {
		d := m.value(&s.Measures)
		buckets := make(map[float64]uint64, len(d.Bounds))
		for i, bound := range d.Bounds {
			buckets[bound] = d.Counts[i]
		}
		out <- prometheus.MustNewConstHistogram(m.desc, d.Count, d.Sum, buckets)
	}
	for at, level := range s.Store.Internals.Levels {
		for _, l := range c.levels {
			out <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, l.value(level), strconv.Itoa(at))
		}
	}
	for _, g := range c.gauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(*s))
	}
}
