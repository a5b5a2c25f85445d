package faulty_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
)

// echo is a target that says what it hears, and how many connections it had.
func echo(t *testing.T) (addr string, accepted <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			count <- struct{}{}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), count
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

func dial(t *testing.T, addr, source string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c net.Conn, text string) {
	t.Helper()
	buf := make([]byte, len(text))
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != text {
		t.Fatalf("heard %q, %v; want %q", buf, err, text)
	}
}

// refused waits until a connection is reset.
func refused(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %d bytes, %v; want a reset", n, err)
	}
}

// refusedFrom dials, and wants the connection to be reset, while it is made or
// right after.
func refusedFrom(t *testing.T, addr, source string) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err == nil {
		defer func() { _ = c.Close() }()
		refused(t, c)
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%v; want a reset", err)
	}
}

func TestPasses(t *testing.T) {
	target, _ := echo(t)
	p := proxy(t, target)
	for _, rules := range []faulty.Rules{
		{},
		{To: faulty.Way{Delay: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.01}, From: faulty.Way{Jitter: time.Millisecond, Rate: 64 << 20}},
	} {
		p.Set(rules)
		c := dial(t, p.Addr(), "127.0.0.1")
		sent := make([]byte, 4<<20)
		_, _ = rand.Read(sent)
		go func() {
			_, _ = c.Write(sent)
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%+v: %d of %d bytes came back, %v", rules, len(got), len(sent), err)
		}
	}
}

func TestCut(t *testing.T) {
	target, accepted := echo(t)
	p := proxy(t, target)
	c := dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "a")
	hear(t, c, "a")
	<-accepted
	p.Set(faulty.Rules{Cut: true})
	refused(t, c)
	refusedFrom(t, p.Addr(), "127.0.0.1")
	p.Set(faulty.Rules{})
	c = dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "b")
	hear(t, c, "b")
	<-accepted
	if len(accepted) > 0 {
		t.Error("a connection that was cut reached the target")
	}
}

func TestReset(t *testing.T) {
	target, _ := echo(t)
	p := proxy(t, target)
	c := dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "a")
	hear(t, c, "a")
	p.Reset()
	refused(t, c)
}

// TestHole: what a hole swallows never arrives, also when it is gone; who lost
// nothing goes on.
func TestHole(t *testing.T) {
	for _, c := range []struct {
		name string
		hole faulty.Rules
	}{
		{"to", faulty.Rules{To: faulty.Way{Hole: true}}},
		{"from", faulty.Rules{From: faulty.Way{Hole: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			target, accepted := echo(t)
			p := proxy(t, target)
			silent, talking := dial(t, p.Addr(), "127.0.0.1"), dial(t, p.Addr(), "127.0.0.1")
			for _, conn := range []net.Conn{silent, talking} {
				say(t, conn, "before")
				hear(t, conn, "before")
				<-accepted
			}
			p.Set(c.hole)
			say(t, talking, "swallowed")
			late := dial(t, p.Addr(), "127.0.0.1")
			say(t, late, "swallowed")
			for _, conn := range []net.Conn{talking, late} {
				_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				var timeout net.Error
				if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Fatalf("read %d bytes, %v; want silence", n, err)
				}
				_ = conn.SetReadDeadline(time.Time{})
			}
			p.Set(faulty.Rules{})
			refused(t, talking)
			refused(t, late)
			say(t, silent, "after")
			hear(t, silent, "after")
			if len(accepted) > 0 {
				t.Error("a connection that began in a hole reached the target")
			}
		})
	}
}

// TestHoleHidesEnds: neither side learns that the other has gone.
func TestHoleHidesEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	p := proxy(t, listener.Addr().String())
	c := dial(t, p.Addr(), "127.0.0.1")
	target, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close() }()
	p.Set(faulty.Rules{To: faulty.Way{Hole: true}, From: faulty.Way{Hole: true}})
	_ = c.Close()
	_ = target.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var timeout net.Error
	if _, err := target.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("%v; want silence", err)
	}
	_ = target.SetReadDeadline(time.Time{})
	p.Set(faulty.Rules{})
	refused(t, target)
}

func TestSources(t *testing.T) {
	target, _ := echo(t)
	p := proxy(t, target)
	p.SetFrom("127.0.0.2", faulty.Rules{Cut: true})
	refusedFrom(t, p.Addr(), "127.0.0.2")
	c := dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "a")
	hear(t, c, "a")
	p.SetFrom("127.0.0.1", faulty.Rules{Cut: true})
	refused(t, c)
	p.Set(faulty.Rules{})
	c = dial(t, p.Addr(), "127.0.0.2")
	say(t, c, "b")
	hear(t, c, "b")
}

// TestSlow: nothing arrives before its time, and new rules count for what is on
// its way.
func TestSlow(t *testing.T) {
	target, _ := echo(t)
	p := proxy(t, target)
	for _, rules := range []faulty.Rules{
		{To: faulty.Way{Delay: 20 * time.Millisecond}, From: faulty.Way{Delay: 30 * time.Millisecond}},
		{To: faulty.Way{Rate: 1000}},
		{From: faulty.Way{Loss: 1}},
	} {
		p.Set(rules)
		c := dial(t, p.Addr(), "127.0.0.1")
		say(t, c, "x")
		hear(t, c, "x")
		began := time.Now()
		text := string(bytes.Repeat([]byte("x"), 50))
		say(t, c, text)
		hear(t, c, text)
		if took := time.Since(began); took < 49*time.Millisecond {
			t.Errorf("%+v: the answer came after %v", rules, took)
		}
	}
	p.Set(faulty.Rules{To: faulty.Way{Delay: time.Hour}})
	c := dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "late")
	p.Set(faulty.Rules{})
	hear(t, c, "late")
}

func TestNoTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	refusedFrom(t, proxy(t, addr).Addr(), "127.0.0.1")
}

// TestClose ends whatever goes on.
func TestClose(t *testing.T) {
	target, _ := echo(t)
	p := proxy(t, target)
	p.Set(faulty.Rules{From: faulty.Way{Delay: time.Hour}})
	c := dial(t, p.Addr(), "127.0.0.1")
	say(t, c, "a")
	p.SetFrom("127.0.0.2", faulty.Rules{To: faulty.Way{Hole: true}})
	other := dial(t, p.Addr(), "127.0.0.2")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, c)
	refused(t, other)
	if n := p.Open(); n > 0 {
		t.Errorf("%d connections are open", n)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
