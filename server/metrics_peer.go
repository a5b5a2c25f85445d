package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pemba-authz/pemba/server/replica/peer"
)

// peerCollector tells what goes on at the port for other members.
type peerCollector struct {
	stats func() peer.Stats

	connections, received, sent, failures, expiry *prometheus.Desc
}

func newPeerCollector(stats func() peer.Stats) *peerCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pemba_peer_"+name, help, labels, nil)
	}
	return &peerCollector{
		stats:       stats,
		connections: desc("connections", "Connections to and from other members.", "kind"),
		received:    desc("received_bytes_total", "Bytes from other members.", "kind"),
		sent:        desc("sent_bytes_total", "Bytes to other members.", "kind"),
		failures:    desc("failures_total", "Connections that came to nothing.", "cause"),
		expiry:      desc("certificate_expiry_timestamp_seconds", "When the certificate that this node shows to other members expires."),
	}
}

// Describe implements prometheus.Collector.
func (c *peerCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.received, c.sent, c.failures, c.expiry} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *peerCollector) Collect(out chan<- prometheus.Metric) {
	stats := c.stats()
	for kind, t := range map[string]peer.Traffic{"log": stats.Log, "calls": stats.Calls} {
		out <- prometheus.MustNewConstMetric(c.connections, prometheus.GaugeValue, float64(t.Open), kind)
		out <- prometheus.MustNewConstMetric(c.received, prometheus.CounterValue, float64(t.Read), kind)
		out <- prometheus.MustNewConstMetric(c.sent, prometheus.CounterValue, float64(t.Written), kind)
	}
	for cause, n := range stats.Failures {
		out <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(n), cause)
	}
	if at := stats.CertificateExpires; !at.IsZero() {
		out <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, float64(at.Unix()))
	}
}
