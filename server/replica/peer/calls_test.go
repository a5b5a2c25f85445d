package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// secured runs a test without TLS, and with certificates of one authority.
func secured(t *testing.T, test func(t *testing.T, config func() Config)) {
	t.Run("plain", func(t *testing.T) { test(t, func() Config { return Config{} }) })
	t.Run("tls", func(t *testing.T) {
		a := newAuthority(t)
		test(t, func() Config { return a.files(t, member(), a) })
	})
}

// TestCalls: what comes back is what the other side returned.
func TestCalls(t *testing.T) {
	secured(t, func(t *testing.T, config func() Config) {
		s := named("b")
		a, b := start(t, config(), named("a")), start(t, config(), s)
		answers(t, a, b.Address(), "b")
		answers(t, b, a.Address(), "a")
		answers(t, a, a.Address(), "a")
		for _, c := range []struct {
			err  error
			want codes.Code
		}{
			{status.Error(codes.FailedPrecondition, "no"), codes.FailedPrecondition},
			{fmt.Errorf("waiting: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
			{context.Canceled, codes.Canceled},
			{errors.New("else"), codes.Unknown},
		} {
			s.propose = func(context.Context, *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error) { return nil, c.err }
			client, err := a.Peer(b.Address())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Propose(t.Context(), &peerv1.ProposeRequest{}); status.Code(err) != c.want {
				t.Errorf("%v came back as %v, want %v", c.err, err, c.want)
			}
		}
		if n := b.Stats().Calls.Accepted; n != 1 {
			t.Errorf("the calls took %d connections, want 1", n)
		}
	})
}

// TestCallLimits: what is too large is refused by the side that has it, and
// a call without a deadline has one.
func TestCallLimits(t *testing.T) {
	s := &service{propose: func(ctx context.Context, r *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, status.Error(codes.Internal, "no deadline")
		}
		return &peerv1.ProposeResponse{Applied: bytes.Repeat(r.GetCommand(), 2)}, nil
	}}
	a, b := start(t, Config{}, nil), start(t, Config{}, s)
	client, err := a.Peer(b.Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		size int
		want codes.Code
	}{
		{0, codes.OK}, {3 << 20, codes.OK}, {5 << 20, codes.ResourceExhausted}, {9 << 20, codes.ResourceExhausted}, {1, codes.OK},
	} {
		got, err := client.Propose(t.Context(), &peerv1.ProposeRequest{Command: make([]byte, c.size)})
		if status.Code(err) != c.want || err == nil && len(got.GetApplied()) != 2*c.size {
			t.Errorf("%d bytes: %v, want %v", c.size, err, c.want)
		}
	}
}

// TestNobodyThere: a call fails at once, and works as soon as somebody is there.
func TestNobodyThere(t *testing.T) {
	a := start(t, Config{}, nil)
	b := start(t, Config{}, nil)
	address := b.Address()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := state(t.Context(), t, a, address)
	if want := "connection refused at " + address; status.Code(err) != codes.Unavailable || status.Convert(err).Message() != want {
		t.Errorf("%v, want Unavailable: %s", err, want)
	}
	if a.Stats().Failures["dial_connect"] == 0 {
		t.Error("nothing was counted")
	}
	start(t, Config{Listen: address}, named("b again"))
	until(t, "the member answers that is there again", func() bool {
		got, err := state(t.Context(), t, a, address)
		return err == nil && got.GetName() == "b again"
	})
	for _, address := range []string{"", "host", "host:1:2"} {
		if _, err := a.Peer(address); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
}

// TestIdle: connections that rest are closed, made again when they are needed,
// and forgotten when their address is not asked any more.
func TestIdle(t *testing.T) {
	times := defaultTimes()
	times.idle = 20 * time.Millisecond
	a, b, c := start(t, Config{times: times}, nil), start(t, Config{}, named("b")), start(t, Config{}, named("c"))
	for range 2 {
		answers(t, a, b.Address(), "b")
		until(t, "the connection is closed", func() bool { return a.Stats().Calls.Open == 0 && b.Stats().Calls.Open == 0 })
	}
	answers(t, a, c.Address(), "c")
	others := 0
	until(t, "the address is forgotten when others are asked", func() bool {
		others++
		k, err := a.acquire(fmt.Sprintf("127.0.0.1:%d", others))
		if err != nil {
			t.Fatal(err)
		}
		a.release(k)
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.kept[b.Address()] == nil
	})
	answers(t, a, b.Address(), "b")
}

// TestCloseDuringCalls: whoever waits is told, on both sides, and nothing runs on.
func TestCloseDuringCalls(t *testing.T) {
	secured(t, func(t *testing.T, config func() Config) {
		for _, closed := range []string{"caller", "called"} {
			waiting, ended := make(chan struct{}), make(chan struct{})
			s := &service{state: func(ctx context.Context) (*peerv1.StateResponse, error) {
				close(waiting)
				<-ctx.Done()
				close(ended)
				return nil, ctx.Err()
			}}
			a, b := start(t, config(), nil), start(t, config(), s)
			failed := make(chan error)
			go func() {
				_, err := state(t.Context(), t, a, b.Address())
				failed <- err
			}()
			<-waiting
			first, second := a, b
			if closed == "called" {
				first, second = b, a
			}
			if err := first.Close(); err != nil {
				t.Error(err)
			}
			if err := <-failed; status.Code(err) != codes.Unavailable {
				t.Errorf("%s closes: %v, want Unavailable", closed, err)
			}
			<-ended
			if _, err := state(t.Context(), t, a, b.Address()); status.Code(err) != codes.Unavailable {
				t.Errorf("%s has closed: %v, want Unavailable", closed, err)
			}
			if err := errors.Join(second.Close(), first.Close()); err != nil {
				t.Error(err)
			}
		}
		noLeaks(t)
	})
}
