package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// TestSeries gives a point for each tick, of what was done since the one before,
// and keeps the newest.
func TestSeries(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	ctx, cancel := context.WithCancel(t.Context())
	ticks := make(chan time.Time)
	var sampling sync.WaitGroup
	sampling.Go(func() { h.server.Sample(ctx, ticks) })
	defer sampling.Wait()
	defer cancel()

	c := consolev1.NewNodeServiceClient(h.conn)
	points := func() []*consolev1.SeriesPoint {
		r, err := c.ReadSeries(t.Context(), &consolev1.ReadSeriesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetPoints()
	}
	at, ticked := startOfTime, 0
	tick := func() { // and wait until the point is there
		at = at.Add(server.SeriesInterval)
		ticks <- at
		ticked++
		for p := points(); len(p) < min(ticked, 180) || p[len(p)-1].GetTime().AsTime().Before(at); p = points() {
			runtime.Gosched()
		}
	}
	tick()
	h.write("document:a#viewer@user:anne")
	for range 20 {
		if _, err := h.permissions.CheckPermission(t.Context(), &v1.CheckPermissionRequest{
			Resource: object(t, "document:a"), Permission: "viewer", Subject: subject(t, "user:anne"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	got := points()
	if len(got) != 2 {
		t.Fatalf("%d points", len(got))
	}
	first, busy := got[0], got[1]
	if first.GetChecksPerSecond() != 0 || first.CheckP99 != nil || first.CacheHitRatio != nil {
		t.Errorf("nothing was done: %v", first)
	}
	if busy.GetChecksPerSecond() != 4 || busy.GetCallsPerSecond() < 4 || busy.GetWritesPerSecond() <= 0 || busy.GetFailuresPerSecond() != 0 {
		t.Errorf("20 checks in 5 seconds: %v", busy)
	}
	if p50, p99 := busy.GetCheckP50().AsDuration(), busy.GetCheckP99().AsDuration(); p50 <= 0 || p99 < p50 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	if ratio := busy.GetCacheHitRatio(); busy.CacheHitRatio == nil || ratio <= 0 || ratio > 1 {
		t.Errorf("cache hit ratio %v", busy.CacheHitRatio)
	}
	for range 200 {
		tick()
	}
	got = points()
	if len(got) != 180 || !got[179].GetTime().AsTime().Equal(startOfTime.Add(202*server.SeriesInterval)) {
		t.Errorf("%d points, the last at %v", len(got), got[len(got)-1].GetTime().AsTime())
	}
}

// TestNodeFacts looks at the facts of a node that has something to tell.
func TestNodeFacts(t *testing.T) {
	settings := []server.Setting{
		{Name: "grpc-preshared-key", Value: "(secret)", Secret: true, Source: server.FromEnvironment, Origin: "PEMBA_GRPC_PRESHARED_KEY"},
		{Name: "cache-size", Value: "1GiB", Source: server.FromFile, Origin: "pemba.yaml"},
	}
	h := start(t, func(c *server.Config) {
		c.Settings, c.Version = settings, "v1.2.3"
		c.Surface = []server.Surface{{Name: "gRPC", On: true, Detail: "127.0.0.1:50051"}}
	})
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	h.write("document:a#viewer@user:anne")
	c := consolev1.NewNodeServiceClient(h.conn)
	d, err := c.DescribeNode(t.Context(), &consolev1.DescribeNodeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if d.GetNode() == "" || d.GetBuild().GetVersion() != "v1.2.3" || d.GetRuntime().GetGoroutines() == 0 || d.GetRuntime().GetHeapBytes() == 0 ||
		d.GetRaft().GetState() != "leader" || d.GetRaft().GetLeader() != d.GetNode() || d.GetRaft().GetTerm() == 0 ||
		d.GetRaft().GetCommitIndex() == 0 || d.GetRaft().GetVoters() != 1 ||
		!d.GetDatabase().GetInMemory() || d.GetDatabase().GetRelationships() != 1 || len(d.GetDatabase().GetLevels()) == 0 ||
		d.GetDatabase().GetHead() == 0 || d.GetCache().GetMaxBytes() == 0 || !d.GetTime().AsTime().Equal(startOfTime) {
		t.Errorf("%v", d)
	}
	r, err := c.ReadSettings(t.Context(), &consolev1.ReadSettingsRequest{OptionalNode: d.GetNode()})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range r.GetSettings() {
		got += fmt.Sprintln(s.GetName(), s.GetValue(), s.GetSecret(), s.GetSource(), s.GetOrigin())
	}
	const want = `cache-size 1GiB false SOURCE_FILE pemba.yaml
grpc-preshared-key (secret) true SOURCE_ENVIRONMENT PEMBA_GRPC_PRESHARED_KEY
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got = ""
	for _, s := range r.GetSurface() {
		got += fmt.Sprintf("%s %t %s\n", s.GetName(), s.GetOn(), s.GetDetail())
	}
	if !strings.HasPrefix(got, "gRPC true 127.0.0.1:50051\nauthentication false everybody may do everything\n") {
		t.Error(got)
	}
}

// TestLogRing keeps the newest lines, and nothing that may be a secret.
func TestLogRing(t *testing.T) {
	ring := server.NewLogRing()
	var out bytes.Buffer
	log := slog.New(ring.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	h := start(t, func(c *server.Config) { c.Log = ring })
	log.Debug("not logged, and not kept")
	log.With("node", "n1").WithGroup("raft").Warn("slow", "ms", 12, "token", "hidden", slog.Group("peer", "password", "hidden", "port", 7000))
	log.Info(strings.Repeat("ä", 1_000), "text", strings.Repeat("x", 2_000))
	log.Error("failed", "error", io.ErrUnexpectedEOF, "link", "https://hidden", "one_time_code", "hidden", "key", "hidden")
	c := consolev1.NewNodeServiceClient(h.conn)
	read := func(r *consolev1.ReadLogRequest) string {
		got, err := c.ReadLog(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, l := range got.GetLines() {
			text += fmt.Sprintf("%d %s %.8s", l.GetNumber(), l.GetLevel(), l.GetMessage())
			for _, f := range l.GetFields() {
				text += fmt.Sprintf(" %s=%.10s", f.GetName(), f.GetValue())
				if len(f.GetValue()) > 1_100 || len(l.GetMessage()) > 1_100 {
					t.Errorf("%s has %d bytes", f.GetName(), len(f.GetValue()))
				}
			}
			text += "\n"
		}
		return text
	}
	const slow = "1 warn slow node=n1 raft.ms=12 raft.peer.password=(not kept) raft.peer.port=7000 raft.token=(not kept)\n"
	const long, failed = "2 info ääääääää text=xxxxxxxxxx\n", "3 error failed error=unexpected key=(not kept) link=(not kept) one_time_code=(not kept)\n"
	for _, test := range []struct {
		request *consolev1.ReadLogRequest
		want    string
	}{
		{&consolev1.ReadLogRequest{}, slow + long + failed},
		{&consolev1.ReadLogRequest{Level: "warn"}, slow + failed},
		{&consolev1.ReadLogRequest{After: 2}, failed},
		{&consolev1.ReadLogRequest{OptionalLimit: 2}, long + failed},
	} {
		if got := read(test.request); got != test.want {
			t.Errorf("%v: got\n%s\nwant\n%s", test.request, got, test.want)
		}
	}
	if strings.Contains(out.String(), "not logged") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("what was handed on: %s", out.String())
	}
	for i := range 5_000 {
		log.Info("line", "number", i, "text", strings.Repeat("y", 900))
	}
	lines := strings.Count(read(&consolev1.ReadLogRequest{OptionalLimit: 1_000}), "\n")
	if lines != 1_000 || !strings.HasPrefix(read(&consolev1.ReadLogRequest{OptionalLimit: 1}), "5003 info") {
		t.Errorf("%d lines", lines)
	}
}

// TestProfile makes profiles that are what they say.
func TestProfile(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewNodeServiceClient(h.conn)
	for _, kind := range []consolev1.ProfileRequest_Kind{
		consolev1.ProfileRequest_KIND_HEAP, consolev1.ProfileRequest_KIND_ALLOCS, consolev1.ProfileRequest_KIND_GOROUTINE,
	} {
		p, err := c.Profile(t.Context(), &consolev1.ProfileRequest{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		in, err := gzip.NewReader(bytes.NewReader(p.GetProfile()))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil || !bytes.Contains(text, []byte("runtime.")) || !strings.HasSuffix(p.GetFileName(), ".pb.gz") {
			t.Errorf("%s, %d bytes, %v", p.GetFileName(), len(text), err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Profile(ctx, &consolev1.ProfileRequest{Kind: consolev1.ProfileRequest_KIND_CPU, Seconds: 30})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a profile that nobody waits for: %v", err)
	}
}
