package server

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// Bounds of what is kept of the log.
const (
	maxLogLines  = 2_000
	maxLogBytes  = 1 << 20 // of all lines
	maxLogFields = 32      // of one line
	maxLogText   = 1_024   // bytes of a message or a value
)

// LogRing keeps the newest lines of a log in memory. It is safe for concurrent use.
type LogRing struct {
	mu    sync.Mutex
	last  uint64 // number of the newest line
	lines []keptLine
	bytes int
}

type keptLine struct {
	line  *consolev1.LogLine
	level slog.Level
	bytes int
}

// NewLogRing returns a ring without lines.
func NewLogRing() *LogRing { return &LogRing{} }

// Handler returns a handler that keeps every line which it hands to another.
func (r *LogRing) Handler(to slog.Handler) slog.Handler { return &ringHandler{ring: r, to: to} }

// add keeps a line.
func (r *LogRing) add(level slog.Level, at time.Time, msg string, fields []*consolev1.LogField) {
	l := keptLine{level: level, line: &consolev1.LogLine{Time: timestamppb.New(at), Level: strings.ToLower(level.String()), Message: cutText(msg), Fields: fields}}
	slices.SortStableFunc(l.line.Fields, func(a, b *consolev1.LogField) int { return cmp.Compare(a.Name, b.Name) })
	l.bytes = len(l.line.Message)
	for _, f := range l.line.Fields {
		l.bytes += len(f.Name) + len(f.Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	l.line.Number = r.last
	r.lines, r.bytes = append(r.lines, l), r.bytes+l.bytes
	drop := 0
	for len(r.lines)-drop > maxLogLines || r.bytes > maxLogBytes {
		r.bytes -= r.lines[drop].bytes
		drop++
	}
	r.lines = slices.Delete(r.lines, 0, drop)
}

// read returns the newest lines of a level or above with numbers greater than
// after, at most limit.
func (r *LogRing) read(after uint64, least slog.Level, limit int) []*consolev1.LogLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*consolev1.LogLine
	for _, l := range slices.Backward(r.lines) {
		if l.line.Number <= after || len(out) == limit {
			break
		}
		if l.level >= least {
			out = append(out, l.line)
		}
	}
	slices.Reverse(out)
	return out
}

// ringHandler is the slog.Handler of a ring.
type ringHandler struct {
	ring   *LogRing
	to     slog.Handler
	group  string // of fields, with its dot
	fields []*consolev1.LogField
}

// Enabled implements slog.Handler.
func (h *ringHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.to.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *ringHandler) Handle(ctx context.Context, r slog.Record) error {
	fields := slices.Clone(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		fields = appendField(fields, h.group, a)
		return len(fields) < maxLogFields
	})
	h.ring.add(r.Level, r.Time, r.Message, fields)
	return h.to.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *ringHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.to, next.fields = h.to.WithAttrs(attrs), slices.Clone(h.fields)
	for _, a := range attrs {
		next.fields = appendField(next.fields, h.group, a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *ringHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.to = h.to.WithGroup(name)
	if name != "" {
		next.group += name + "."
	}
	return &next
}

// appendField adds an attribute, or those of a group, as far as there is room.
func appendField(to []*consolev1.LogField, group string, a slog.Attr) []*consolev1.LogField {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, in := range v.Group() {
			to = appendField(to, group, in)
		}
		return to
	}
	if a.Key == "" || len(to) >= maxLogFields {
		return to
	}
	f := &consolev1.LogField{Name: cutText(group + a.Key), Value: "(not kept)"}
	if !mayBeSecret(a.Key) {
		f.Value = cutText(v.String())
	}
	return append(to, f)
}

// mayBeSecret reports whether fields of that name may hold what nobody may see.
func mayBeSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "secret", "token", "authorization", "cookie", "credential", "link", "one_time"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "key" || strings.HasSuffix(name, "_key")
}

// cutText bounds a text, at the end of a character.
func cutText(text string) string {
	if len(text) > maxLogText {
		text = text[:maxLogText] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
