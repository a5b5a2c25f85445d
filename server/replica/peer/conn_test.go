package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
)

// connect opens a bare connection and says something.
func connect(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStrangers: what says nothing or something else is closed, counted and
// logged, and members get through all the time.
func TestStrangers(t *testing.T) {
	times := defaultTimes()
	times.hello = 200 * time.Millisecond
	secured(t, func(t *testing.T, config func() Config) {
		c, log := config(), &logged{}
		c.times, c.Logger = times, log.logger()
		n := start(t, c, named("n"))
		var strangers []net.Conn
		for range maxGreeted {
			strangers = append(strangers, connect(t, n.Address(), ""))
		}
		for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\xb1garbage", "SSH-2.0-x\r\n"} {
			strangers = append(strangers, connect(t, n.Address(), text))
		}
		until(t, "a member gets through", func() bool {
			got, err := state(t.Context(), t, n, n.Address())
			return err == nil && got.GetName() == "n"
		})
		for _, s := range strangers {
			if _, err := io.Copy(io.Discard, s); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Error(err)
			}
		}
		until(t, "all are counted", func() bool {
			f := n.Stats().Failures
			return f["accept_silent"] >= maxGreeted && f["accept_garbage"] >= 3
		})
		for _, cause := range []string{"cause=accept_silent", "cause=accept_garbage"} { // again every 10 s
			if n := strings.Count(log.String(), cause); n == 0 || n > 10 {
				t.Errorf("the log has %s %d times:\n%s", cause, n, log)
			}
		}
	})
}

// TestPortChecks: who only looks whether the port is open is not worth a line.
func TestPortChecks(t *testing.T) {
	log := &logged{}
	n := start(t, Config{Logger: log.logger()}, nil)
	_ = connect(t, n.Address(), "").Close()
	until(t, "it is counted", func() bool { return n.Stats().Failures["accept_silent"] == 1 })
	if log.String() != "" {
		t.Error(log)
	}
}

// TestSilentTarget: a dial gives up when nobody answers.
func TestSilentTarget(t *testing.T) {
	times := defaultTimes()
	times.dial = 50 * time.Millisecond
	p := proxy(t, "127.0.0.1:1")
	p.Set(faulty.Rules{To: faulty.Way{Hole: true}})
	secured(t, func(t *testing.T, config func() Config) {
		c := config()
		c.times = times
		n := start(t, c, nil)
		if _, err := dialLog(n, p.Addr()); err == nil || !strings.Contains(err.Error(), "in time") {
			t.Error(err)
		}
		if _, err := state(t.Context(), t, n, p.Addr()); status.Code(err) != codes.Unavailable {
			t.Error(err)
		}
		if got := n.Stats().Failures["dial_silent"]; got < 2 {
			t.Errorf("%d are counted", got)
		}
	})
}

// TestWrongTarget: another kind of server is told from a member.
func TestWrongTarget(t *testing.T) {
	n := start(t, Config{}, nil)
	for _, c := range []struct{ says, counts string }{
		{"220 mail.example ESMTP\r\n", "dial_garbage"},
		{"", "dial_silent"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := l.Accept(); err == nil {
				_, _ = io.WriteString(conn, c.says)
				_, _ = io.ReadFull(conn, make([]byte, 1))
				_ = conn.Close()
			}
		}()
		if _, err := dialLog(n, l.Addr().String()); err == nil {
			t.Errorf("%q is an answer", c.says)
		}
		if n.Stats().Failures[c.counts] != 1 {
			t.Errorf("%q: %v", c.says, n.Stats().Failures)
		}
		_ = l.Close()
	}
}

func proxy(t *testing.T, target string) *faulty.Proxy {
	t.Helper()
	p, err := faulty.Listen(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestBlackHole: a call over a connection on which nothing arrives any more fails
// long before its deadline, on both sides, and the next works when the network
// does.
func TestBlackHole(t *testing.T) {
	t.Parallel() // it waits most of the time
	secured(t, func(t *testing.T, config func() Config) {
		for name, hole := range map[string]faulty.Rules{
			"to":   {To: faulty.Way{Hole: true}},
			"from": {From: faulty.Way{Hole: true}},
		} {
			a, b := config(), config()
			a.times, b.times = quick(), quick()
			t.Run(name, func(t *testing.T) { testBlackHole(t, a, b, hole) })
		}
	})
}

// quick are times at which a test need not wait for long.
func quick() times {
	t := defaultTimes()
	t.ping, t.silence = time.Second, 4*time.Second
	return t
}

func testBlackHole(t *testing.T, dials, listens Config, hole faulty.Rules) {
	t.Parallel() // it waits most of the time
	s := named("b")
	arrived, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	s.propose = func(ctx context.Context, _ *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error) {
		arrived <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return nil, ctx.Err()
	}
	a, b := start(t, dials, nil), start(t, listens, s)
	p := proxy(t, b.Address())
	client, err := a.Peer(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.Propose(ctx, &peerv1.ProposeRequest{})
		failed <- err
	}()
	select {
	case <-arrived:
	case err := <-failed:
		t.Fatal(err)
	}
	p.Set(hole)
	if err := <-failed; status.Code(err) != codes.Unavailable {
		t.Errorf("%v, want Unavailable", err)
	}
	<-ended
	p.Set(faulty.Rules{})
	until(t, "calls work again", func() bool {
		_, err := client.State(t.Context(), &peerv1.StateRequest{})
		return err == nil
	})
}

// TestQuietCall: a call that takes longer than silence is allowed to.
func TestQuietCall(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := &service{state: func(ctx context.Context) (*peerv1.StateResponse, error) {
		select {
		case <-time.After(quick().silence + 2*time.Second):
			return &peerv1.StateResponse{Name: "slow"}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	a, b := start(t, Config{times: quick()}, nil), start(t, Config{times: quick()}, s)
	answers(t, a, b.Address(), "slow")
}

// TestHalfRequest: a request of raft's whose rest never comes ends the connection;
// one that waits for its next request stays.
func TestHalfRequest(t *testing.T) {
	times := defaultTimes()
	times.stall = 100 * time.Millisecond
	n := start(t, Config{times: times}, nil)
	idle, begun := connect(t, n.Address(), string(greeting(helloLog))), connect(t, n.Address(), string(greeting(helloLog)))
	hello := greeting(0)
	for _, c := range []net.Conn{idle, begun} {
		if _, err := io.ReadFull(c, hello); err != nil || !bytes.Equal(hello, greeting(helloLog)) {
			t.Fatalf("%q, %v", hello, err)
		}
	}
	until(t, "both are open", func() bool { return n.Stats().Log.Open == 2 })
	if _, err := begun.Write([]byte{0}); err != nil { // the first byte of an AppendEntries
		t.Fatal(err)
	}
	if got, err := io.ReadAll(begun); err != nil || len(got) > 0 {
		t.Errorf("%q, %v; want the end", got, err)
	}
	if open := n.Stats().Log.Open; open != 1 {
		t.Errorf("%d connections are open, want the idle one", open)
	}
}

// TestStalledReader: writing to a member that reads nothing fails.
func TestStalledReader(t *testing.T) {
	times := defaultTimes()
	times.stall = 100 * time.Millisecond
	secured(t, func(t *testing.T, config func() Config) {
		c := config()
		c.times = times
		n := start(t, c, nil)
		target := start(t, config(), nil)
		p := proxy(t, target.Address())
		conn, err := dialLog(n, p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		p.Set(faulty.Rules{To: faulty.Way{Delay: time.Hour}})
		var timeout net.Error
		if _, err := conn.Write(make([]byte, 64<<20)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v, want a timeout", err)
		}
		if err := conn.SetDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("x")); err == nil {
			t.Error("it was written after its deadline")
		}
	})
}

// TestTraffic: bytes are counted, of both kinds apart.
func TestTraffic(t *testing.T) {
	a, b := start(t, Config{}, nil), start(t, Config{}, named("b"))
	go func() {
		rpc := <-b.Transport().Consumer()
		rpc.Respond(&raft.RequestVoteResponse{Term: 7}, nil)
	}()
	var resp raft.RequestVoteResponse
	request := &raft.RequestVoteRequest{RPCHeader: raft.RPCHeader{Addr: bytes.Repeat([]byte("x"), 1000)}}
	if err := a.Transport().RequestVote("b", raft.ServerAddress(b.Address()), request, &resp); err != nil || resp.Term != 7 {
		t.Fatal(resp, err)
	}
	until(t, "the answer is counted", func() bool { return b.Stats().Log.Written > 0 && a.Stats().Log.Read > 0 })
	sent, received := a.Stats(), b.Stats()
	if sent.Log.Written < 1000 || sent.Log.Written != received.Log.Read || sent.Log.Read != received.Log.Written ||
		sent.Log.Dialed != 1 || received.Log.Accepted != 1 || sent.Log.Open != 1 {
		t.Errorf("sent %+v, received %+v", sent.Log, received.Log)
	}
	if sent.Calls != (Traffic{}) {
		t.Errorf("%+v of calls, of which there was none", sent.Calls)
	}
	answers(t, a, b.Address(), "b")
	if s := a.Stats().Calls; s.Written == 0 || s.Read == 0 || s.Open != 1 {
		t.Errorf("%+v after a call", s)
	}
}
