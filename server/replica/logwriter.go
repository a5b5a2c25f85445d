package replica

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logWriter makes records of raft's log lines, "[WARN]  raft: what happened: key=value".
// Of errors that are the same but for their values, about one peer, it logs one
// now and then: a peer that is dead gives cause for many a second.
type logWriter struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	seen map[string]*repeated // by what happened and the peer
}

// repeated is an error that comes again and again.
type repeated struct {
	at     time.Time // when it was logged
	passed int       // how often it was not since
}

const (
	repeatEvery = 10 * time.Second
	maxRepeated = 1000 // peers and texts that are remembered
)

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
	args := []any{"part", "log"}
	if level == slog.LevelError {
		passed, ok := w.due(kindOf(text))
		if !ok {
			return len(line), nil
		}
		if passed > 0 {
			args = append(args, "passed_over", passed)
		}
	}
	w.log.Log(context.Background(), level, text, args...)
	return len(line), nil
}

// due reports whether an error is to be logged, and how many like it were not
// since the last one. An error without a peer always is.
func (w *logWriter) due(kind string) (passed int, ok bool) {
	if kind == "" {
		return 0, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	r := w.seen[kind]
	switch {
	case r != nil && now.Sub(r.at) < repeatEvery:
		r.passed++
		return 0, false
	case r != nil:
		passed = r.passed
	case w.seen == nil || len(w.seen) >= maxRepeated:
		w.seen = map[string]*repeated{}
	}
	w.seen[kind] = &repeated{at: now}
	return passed, true
}

// kindOf returns what an error says up to its first value, and the peer that it
// is about; "" when it is about none.
func kindOf(text string) string {
	const mark = " peer="
	what, values, ok := strings.Cut(text, mark)
	if !ok {
		return ""
	}
	if strings.HasPrefix(values, "{") || strings.HasPrefix(values, "\"{") { // a server, as raft prints it
		values, _, _ = strings.Cut(values, "}")
	} else {
		values, _, _ = strings.Cut(values, " ")
	}
	return what + mark + values
}
