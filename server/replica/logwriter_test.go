package replica

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRepeatedErrors logs each kind of error of a peer now and then, with how
// many were passed over, and everything else as it comes.
func TestRepeatedErrors(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	w := &logWriter{now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&out, nil))}
	log := func(format string, args ...any) {
		if _, err := fmt.Fprintf(w, "2026-11-22T04:16:28.912Z "+format+"\n", args...); err != nil {
			t.Error(err)
		}
	}
	appended := func(peer string, n int) {
		log(`[ERROR] raft: failed to appendEntries to: peer="{Voter %s %s:1}" error="attempt %d"`, peer, peer, n)
	}
	lines := func(want int, words string) {
		t.Helper()
		if got := out.String(); strings.Count(got, "\n") != want || !strings.Contains(got, words) {
			t.Errorf("want %d lines with %q:\n%s", want, words, got)
		}
		out.Reset()
	}
	for i := range 5 {
		for _, peer := range []string{"one", "two"} {
			appended(peer, i)
			log(`[ERROR] raft: failed to heartbeat to: peer=%s:1 backoff time=%dms error=refused`, peer, i)
		}
		now = now.Add(time.Second)
	}
	lines(4, "failed to heartbeat to")
	now = now.Add(repeatEvery)
	appended("one", 5)
	lines(1, "passed_over=4")
	now = now.Add(repeatEvery)
	appended("one", 5)
	if strings.Contains(out.String(), "passed_over") {
		t.Errorf("nothing was passed over: %s", &out)
	}
	lines(1, "part=log")
	for range 3 {
		log("[ERROR] raft: failed to get log: index=7 error=gone")
		log("[WARN]  raft: failed to contact: server-id=one time=1s")
	}
	lines(6, "failed to get log")
}
