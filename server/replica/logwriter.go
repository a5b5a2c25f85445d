package replica

import (
	"context"
	"log/slog"
	"strings"
)

// logWriter makes records of raft's log lines, "[WARN]  raft: what happened".
type logWriter struct{ log *slog.Logger }

func (w *logWriter) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if _, rest, ok := strings.Cut(text, "["); ok {
		text = "[" + rest
	}
	level := slog.LevelWarn
	switch {
	case strings.Contains(text, "nothing new to snapshot"), // each start, until the first entry
		strings.Contains(text, "no known peers"),           // a node without a cluster
		strings.Contains(text, "cannot take snapshot now"): // the membership has just changed
		level = slog.LevelDebug
	case strings.HasPrefix(text, "[ERROR]"):
		level = slog.LevelError
	case strings.HasPrefix(text, "[INFO]"), strings.HasPrefix(text, "[DEBUG]"):
		level = slog.LevelDebug
	}
	if _, rest, ok := strings.Cut(text, "]"); ok {
		text = strings.TrimSpace(rest)
	}
	w.log.Log(context.Background(), level, text, "part", "log")
	return len(line), nil
}
