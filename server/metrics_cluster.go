package server

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pemba-authz/pemba/server/replica"
)

const (
	memberEvery = 5 * time.Second // between two questions to the members
	memberWait  = time.Second     // for their answers
)

// memberGauge is one number of a member.
type memberGauge struct {
	desc  *prometheus.Desc
	value func(*replica.Member) float64
	known bool // only of members that answered
}

// clusterGauge is one number of a cluster.
type clusterGauge struct {
	desc  *prometheus.Desc
	value func(*replica.Cluster) float64
}

// clusterCollector tells what the node knows of its cluster. Of a cluster of
// several it asks the members, but not for every scrape. The label of a member
// is its id; only ids of the membership occur.
type clusterCollector struct {
	server *Server

	checks, node, name, state *prometheus.Desc // of this node
	full, age                 *prometheus.Desc
	whole                     []clusterGauge
	each                      []memberGauge
	build                     *prometheus.Desc

	mu    sync.Mutex
	asked time.Time
	last  *replica.Cluster
}

func newClusterCollector(s *Server) *clusterCollector {
	c := &clusterCollector{
		server: s,
		checks: prometheus.NewDesc("pemba_readyz", "1 when a check of /readyz passes.", []string{"check"}, nil),
		node:   prometheus.NewDesc("pemba_node_info", "This node: its id, its name for people and the version of its program; always 1.", []string{"node", "name", "version"}, nil),
		name:   prometheus.NewDesc("pemba_cluster_info", "The cluster that the node belongs to; always 1.", []string{"cluster"}, nil),
		state:  prometheus.NewDesc("pemba_raft_state", "1 for the state that this node is in.", []string{"state"}, nil),
		full:   prometheus.NewDesc("pemba_store_nearly_full", "1 when this node's disk has so little room that writes are refused.", nil, nil),
		age:    prometheus.NewDesc("pemba_cluster_status_age_seconds", "Since when the figures of members are from.", nil, nil),
		build:  prometheus.NewDesc("pemba_cluster_member_version_info", "The version of a member's program; always 1.", []string{"member", "version"}, nil),
	}
	c.describeWhole()
	c.describeEach()
	return c
}

func (c *clusterCollector) describeWhole() {
	for _, g := range []struct {
		name, help string
		value      func(*replica.Cluster) float64
	}{
		{"members", "Members of the cluster, read replicas among them.", func(k *replica.Cluster) float64 { return float64(len(k.Members)) }},
		{"voters", "Members that vote.", func(k *replica.Cluster) float64 {
			return count(k, func(m *replica.Member) bool { return m.Voter })
		}},
		{"healthy_voters", "Members that vote and are healthy.", func(k *replica.Cluster) float64 {
			return count(k, func(m *replica.Member) bool { return m.Voter && m.Healthy })
		}},
		{"quorum", "Voters that must agree.", func(k *replica.Cluster) float64 { return float64(k.Quorum) }},
		{"failure_tolerance", "Healthy voters that may be lost with the quorum kept.", func(k *replica.Cluster) float64 { return float64(k.FailureTolerance) }},
	} {
		c.whole = append(c.whole, clusterGauge{prometheus.NewDesc("pemba_cluster_"+g.name, g.help, nil, nil), g.value})
	}
}

func (c *clusterCollector) describeEach() {
	for _, g := range []struct {
		name, help string
		known      bool
		value      func(*replica.Member) float64
	}{
		{"reachable", "1 when the member answered.", false, func(m *replica.Member) float64 { return flag(m.Reachable) }},
		{"healthy", "1 when the member is healthy.", false, func(m *replica.Member) float64 { return flag(m.Healthy) }},
		{"voter", "1 when the member votes.", false, func(m *replica.Member) float64 { return flag(m.Voter) }},
		{"lag_entries", "Entries that the member is behind the leader.", true, func(m *replica.Member) float64 { return float64(m.Lag) }},
		{"clock_skew_seconds", "The member's clock minus that of this node.", true, func(m *replica.Member) float64 { return m.ClockSkew.Seconds() }},
		{"log_write_seconds", "How long entries of its log took lately to be durable; 0: there were none.", true, func(m *replica.Member) float64 { return m.LogWrite.Seconds() }},
		{"round_trip_seconds", "How long the member's answer took.", true, func(m *replica.Member) float64 { return m.RoundTrip.Seconds() }},
		{"free_bytes", "Free space of the member's disk.", true, func(m *replica.Member) float64 { return float64(m.FreeBytes) }},
		{"nearly_full", "1 when writes are refused for lack of space at the member.", true, func(m *replica.Member) float64 { return flag(m.NearlyFull) }},
		{"head", "The newest revision that the member can read.", true, func(m *replica.Member) float64 { return float64(m.Head) }},
		{"floor", "The oldest revision that the member can read.", true, func(m *replica.Member) float64 { return float64(m.Floor) }},
	} {
		desc := prometheus.NewDesc("pemba_cluster_member_"+g.name, g.help, []string{"member"}, nil)
		c.each = append(c.each, memberGauge{desc, g.value, g.known})
	}
}

func count(c *replica.Cluster, which func(*replica.Member) bool) float64 {
	n := 0
	for i := range c.Members {
		if which(&c.Members[i]) {
			n++
		}
	}
	return float64(n)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c *clusterCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.checks, c.node, c.name, c.state, c.full, c.age, c.build} {
		out <- desc
	}
	for _, g := range c.whole {
		out <- g.desc
	}
	for _, g := range c.each {
		out <- g.desc
	}
}

// Collect implements prometheus.Collector.
func (c *clusterCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, check := range c.server.readiness() {
		gauge(c.checks, flag(check.err == nil), check.name)
	}
	cluster, age := c.ask()
	c.collectNode(cluster, gauge)
	if cluster == nil || cluster.ID == 0 {
		return
	}
	gauge(c.age, age.Seconds())
	for _, g := range c.whole {
		gauge(g.desc, g.value(cluster))
	}
	for i := range cluster.Members {
		m := &cluster.Members[i]
		for _, g := range c.each {
			if m.Reachable || !g.known {
				gauge(g.desc, g.value(m), m.ID)
			}
		}
		if m.Build != "" {
			gauge(c.build, 1, m.ID, m.Build)
		}
	}
}

// raftStates are all of them.
var raftStates = [...]string{"Leader", "Follower", "Candidate", "Shutdown"}

// collectNode tells what this node is. cluster may be nil.
func (c *clusterCollector) collectNode(cluster *replica.Cluster, gauge func(*prometheus.Desc, float64, ...string)) {
	status := c.server.replica.Status()
	if cluster != nil {
		for i := range cluster.Members {
			if m := &cluster.Members[i]; m.Self {
				gauge(c.full, flag(m.NearlyFull))
			}
		}
	}
	gauge(c.node, 1, status.ID, status.Name, c.server.config.Version)
	if status.Cluster != 0 {
		gauge(c.name, 1, clusterName(status.Cluster))
	}
	for _, state := range raftStates {
		gauge(c.state, flag(status.Raft["state"] == state), strings.ToLower(state))
	}
}

// ask returns what is known of the cluster, and how old that is; nil while
// nothing is known.
func (c *clusterCollector) ask() (*replica.Cluster, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || time.Since(c.asked) >= memberEvery {
		ctx, cancel := context.WithTimeout(context.Background(), memberWait)
		defer cancel()
		if found, err := c.server.replica.Cluster(ctx); err == nil {
			c.last, c.asked = found, time.Now()
		}
	}
	return c.last, time.Since(c.asked)
}
