package peer

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

const (
	raftTimeout = 10 * time.Second // of one of raft's requests; a snapshot has as much for every 256 KiB
	raftPool    = 3                // connections to each member that are kept
)

// newTransport returns what raft speaks through.
func newTransport(n *Network) *raft.NetworkTransport {
	return raft.NewNetworkTransport(streams{n.log}, raftPool, raftTimeout, &logWriter{log: n.config.Logger, closing: n.ctx})
}

// streams are raft's connections.
type streams struct{ *door }

// Dial implements raft.StreamLayer.
func (s streams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	return s.network.dial(ctx, string(address), s.door)
}

// logWriter makes records of the transport's log lines, which are like
// "2026-11-22T02:00:00Z [ERROR] raft-net: what happened". That connections break
// is no error of this member.
type logWriter struct {
	log     *slog.Logger
	closing context.Context
}

func (w *logWriter) Write(line []byte) (int, error) {
	_, text, _ := strings.Cut(strings.TrimSpace(string(line)), "[")
	mark, text, _ := strings.Cut(text, "]")
	level := slog.LevelDebug
	if (mark == "ERROR" || mark == "WARN") && w.closing.Err() == nil {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, strings.TrimSpace(text), "part", "peer")
	return len(line), nil
}
