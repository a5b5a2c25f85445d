package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/pflag"
)

func (f *serveFlags) declareLimits(flags *pflag.FlagSet) {
	flags.IntVar(&f.limits.Updates, "write-relationships-max-updates-per-call", 1_000, "updates of one write")
	flags.IntVar(&f.engine.Depth, "max-depth", 50, "hops from object to object that an answer may take")
	flags.IntVar(&f.engine.Candidates, "max-lookup-candidates", 1_000_000, "results that a lookup may have to consider")
	flags.IntVar(&f.maxImport, "max-import-relationships", 250_000, "relationships of one bulk import")
	flags.IntVar(&f.limits.Message, "max-message-bytes", 4<<20, "bytes of one request message")
	flags.IntVar(&f.limits.Calls, "max-calls", 4_096, "single calls at the same time")
	flags.IntVar(&f.limits.Streams, "max-streams", 1_024, "lookups, reads, exports and imports at the same time")
	flags.IntVar(&f.limits.Watches, "max-watches", 4_096, "watches at the same time")
	flags.IntVar(&f.limits.ConnectionStreams, "max-connection-streams", 1_000, "calls of one connection at the same time")
	flags.DurationVar(&f.limits.Timeout, "request-timeout", time.Minute, "time of a call that is no stream")
	flags.DurationVar(&f.limits.StreamTimeout, "stream-timeout", 15*time.Minute, "time of a stream that is no watch")
	flags.DurationVar(&f.limits.SlowReader, "stream-idle-timeout", 30*time.Second, "how long a stream waits for its caller to read or to send")
	flags.DurationVar(&f.limits.ConnectionAge, "max-connection-age", 0, "after which clients are asked to connect again (default: never)")
	flags.StringVar(&f.memory, "memory-limit", "", "memory near which calls are refused, such as 4GiB; 0 is no limit (default: nine tenths of what there is)")
	flags.DurationVar(&f.maxTokenWait, "max-token-wait", 5*time.Second, "how long a read waits for the revision of its token")
	flags.StringVar(&f.mismatch, "mismatch-zed-token-behavior", "full-consistency", "what a token of another history means to at_least_as_fresh: full-consistency, min-latency or error")
	flags.DurationVar(&f.grace, "shutdown-grace-period", 30*time.Second, "how long calls that run are waited for in the end")
}

// positive names the limits that are not above 0.
func (f *serveFlags) positive() error {
	var faults []error
	for _, n := range []struct {
		flag  string
		value int64
	}{
		{"write-relationships-max-updates-per-call", int64(f.limits.Updates)}, {"max-depth", int64(f.engine.Depth)},
		{"max-lookup-candidates", int64(f.engine.Candidates)}, {"max-import-relationships", int64(f.maxImport)},
		{"max-message-bytes", int64(f.limits.Message)}, {"max-calls", int64(f.limits.Calls)},
		{"max-streams", int64(f.limits.Streams)}, {"max-watches", int64(f.limits.Watches)},
		{"max-connection-streams", int64(f.limits.ConnectionStreams)}, {"request-timeout", int64(f.limits.Timeout)},
		{"stream-timeout", int64(f.limits.StreamTimeout)}, {"stream-idle-timeout", int64(f.limits.SlowReader)},
		{"slow-request", int64(f.limits.Slow)}, {"max-token-wait", int64(f.maxTokenWait)},
		{"shutdown-grace-period", int64(f.grace)}, {"retention", int64(f.retention)},
	} {
		if n.value <= 0 {
			faults = append(faults, fmt.Errorf("--%s: it must be above 0", n.flag))
		}
	}
	if f.limits.ConnectionAge < 0 {
		faults = append(faults, errors.New("--max-connection-age: it must not be negative"))
	}
	return errors.Join(faults...)
}

// memoryLimit reads --memory-limit and tells the garbage collector, unless
// GOMEMLIMIT has told it. 0 is no limit.
func memoryLimit(text string) (int64, error) {
	limit := memoryBytes() / 10 * 9
	if text != "" {
		var err error
		if limit, err = parseSize("memory-limit", text); err != nil {
			return 0, err
		}
		if limit < 0 {
			return 0, nil
		}
	} else if os.Getenv("GOMEMLIMIT") != "" {
		return debug.SetMemoryLimit(-1), nil
	}
	debug.SetMemoryLimit(limit)
	return limit, nil
}
