package server

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
)

// What the node did lately: a point every SeriesInterval, the newest seriesPoints.
const (
	SeriesInterval = 5 * time.Second
	seriesPoints   = 180
)

// Classes of times of checks, each a tenth longer than the one before.
const (
	shortestCheck = 10e-6 // seconds
	longerClass   = 1.1
	timeClasses   = 170 // to 98 s
)

// series counts what the node does, and keeps what it did in each interval.
type series struct {
	checks, calls, failures atomic.Uint64
	times                   [timeClasses]atomic.Uint64 // of calls of CheckPermission

	mu     sync.Mutex
	points []*consolev1.SeriesPoint // the oldest first; nobody changes one
	last   sample
}

// sample is what was counted by some time.
type sample struct {
	at                      time.Time
	checks, calls, failures uint64
	times                   [timeClasses]uint64
	hits, misses            uint64
	head                    uint64
}

// call counts a call that has ended.
func (s *series) call(m *methodMetrics, code codes.Code, took time.Duration) {
	if !m.counted {
		return
	}
	s.calls.Add(1)
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		s.failures.Add(1)
	}
	if m.check && code == codes.OK {
		s.times[timeClass(took)].Add(1)
	}
}

// checked counts one check.
func (s *Server) checked(a engine.Answer, err error) {
	s.metrics.checked(a, err)
	if err == nil {
		s.series.checks.Add(1)
	}
}

func timeClass(took time.Duration) int {
	class := math.Ceil(math.Log(took.Seconds()/shortestCheck) / math.Log(longerClass))
	return int(min(max(class, 0), timeClasses-1))
}

// Sample adds a point to the series at every tick until ctx ends.
func (s *Server) Sample(ctx context.Context, ticks <-chan time.Time) {
	s.series.begin(s.config.Now(), s.replica.Status())
	for {
		select {
		case at := <-ticks:
			s.series.add(at, s.replica.Status())
		case <-ctx.Done():
			return
		}
	}
}

func (s *series) now(at time.Time, status *replica.Status) sample {
	cache := &status.Store.Cache
	n := sample{
		at: at, checks: s.checks.Load(), calls: s.calls.Load(), failures: s.failures.Load(), head: uint64(status.Head),
		hits: cache.Hits + cache.Answers.Hits, misses: cache.Misses,
	}
	for class := range n.times {
		n.times[class] = s.times[class].Load()
	}
	return n
}

func (s *series) begin(at time.Time, status replica.Status) {
	n := s.now(at, &status)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = n
}

// add adds the point of what was done since the last one.
func (s *series) add(at time.Time, status replica.Status) {
	n := s.now(at, &status)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.last
	seconds := max(n.at.Sub(b.at).Seconds(), time.Millisecond.Seconds())
	p := &consolev1.SeriesPoint{
		Time:            timestamppb.New(at),
		ChecksPerSecond: float64(n.checks-b.checks) / seconds, CallsPerSecond: float64(n.calls-b.calls) / seconds,
		FailuresPerSecond: float64(n.failures-b.failures) / seconds, WritesPerSecond: float64(n.head-min(b.head, n.head)) / seconds,
		Head: n.head, Lag: status.LastIndex - min(status.Applied, status.LastIndex),
	}
	p.CheckP50, p.CheckP99 = quantile(&b.times, &n.times, 0.50), quantile(&b.times, &n.times, 0.99)
	if all := n.hits + n.misses - b.hits - b.misses; all > 0 {
		p.CacheHitRatio = proto.Float64(float64(n.hits-b.hits) / float64(all))
	}
	s.last = n
	if len(s.points) == seriesPoints {
		copy(s.points, s.points[1:])
		s.points = s.points[:seriesPoints-1]
	}
	s.points = append(s.points, p)
}

// quantile returns the time within which a share of the checks between two samples
// was answered, nil when there were none.
func quantile(before, after *[timeClasses]uint64, share float64) *durationpb.Duration {
	var all uint64
	for class := range after {
		all += after[class] - before[class]
	}
	if all == 0 {
		return nil
	}
	want := uint64(math.Ceil(share * float64(all)))
	var seen uint64
	for class := range after {
		if seen += after[class] - before[class]; seen >= want {
			bound := shortestCheck * math.Pow(longerClass, float64(class))
			return durationpb.New(time.Duration(bound * float64(time.Second)))
		}
	}
	return nil
}

// read returns all points.
func (s *series) read() []*consolev1.SeriesPoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*consolev1.SeriesPoint(nil), s.points...)
}
