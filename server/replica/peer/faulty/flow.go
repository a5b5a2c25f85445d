package faulty

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	pieceSize = 16 << 10               // bytes that are read, delayed and written at once
	inFlight  = 64                     // pieces that are delayed at the same time, as a window limits them
	resent    = 200 * time.Millisecond // how much later a piece comes that was lost
)

// flow passes bytes on one way.
type flow struct {
	link     *link
	from, to *net.TCPConn
	way      func(Rules) Way
}

// piece is some bytes on their way.
type piece struct {
	data []byte // nil: the sender has closed its side
	read time.Time
}

// run returns when the sender has closed its side and the receiver knows, or the
// link has ended.
func (f *flow) run() {
	pieces := make(chan piece, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() { f.read(pieces) })
	f.write(pieces)
	reader.Wait()
}

// read takes what the sender says, and when it was said.
func (f *flow) read(pieces chan<- piece) {
	defer close(pieces)
	for {
		buf := make([]byte, pieceSize)
		n, err := f.from.Read(buf)
		if n > 0 && !f.hand(pieces, piece{buf[:n], time.Now()}) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			f.hand(pieces, piece{nil, time.Now()})
			return
		case err != nil:
			f.fail()
			return
		}
	}
}

// hand gives a piece to the writer; false when the link has ended.
func (f *flow) hand(pieces chan<- piece, p piece) bool {
	select {
	case pieces <- p:
		return true
	case <-f.link.ended.Done():
		return false
	}
}

// write delivers pieces when they are due.
func (f *flow) write(pieces <-chan piece) {
	var last time.Time // when the piece before was delivered
	for p := range pieces {
		if !f.await(p, last) {
			return
		}
		last = time.Now()
		switch {
		case f.link.swallow(f.way):
		case p.data == nil:
			_ = f.to.CloseWrite()
		default:
			if _, err := f.to.Write(p.data); err != nil {
				f.fail()
				return
			}
		}
	}
	// A link that lost bytes, the end of them perhaps, stays until the hole is
	// gone.
	if f.link.swallow(f.way) {
		<-f.link.ended.Done()
	}
}

// await waits until a piece is due, by the rules of the moment; false when the
// link has ended.
func (f *flow) await(p piece, last time.Time) bool {
	luck, lost := rand.Float64(), rand.Float64()
	for {
		r, change := f.link.current()
		w := f.way(r)
		delay := w.Delay + time.Duration(luck*float64(w.Jitter))
		if lost < w.Loss {
			delay += resent
		}
		due := p.read.Add(delay)
		if w.Rate > 0 {
			if paced := last.Add(time.Duration(len(p.data)) * time.Second / time.Duration(w.Rate)); paced.After(due) {
				due = paced
			}
		}
		wait := time.Until(due)
		if wait <= 0 {
			return f.link.ended.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-change:
		case <-f.link.ended.Done():
		}
		timer.Stop()
		if f.link.ended.Err() != nil {
			return false
		}
	}
}

// fail ends the link after an error of one side, unless the network is such that
// the other would not hear of it.
func (f *flow) fail() {
	if f.link.swallow(f.way) {
		<-f.link.ended.Done()
		return
	}
	f.link.reset()
}
