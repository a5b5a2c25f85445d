package replica

import (
	"sync"

	"github.com/hashicorp/raft"
)

// pipeline carries entries to one member, whose answers may come late.
//
// It takes answers off raft's pipeline whether or not raft reads them. Raft stops
// reading at the first answer that is a refusal, and looks up from sending only when
// an entry is on its way; its own pipeline lets no entry go on its way before the
// answer to another was read. So one refusal at the wrong moment held up a member for
// as long as the leader led, and the leader when it was to end.
type pipeline struct {
	raft.AppendPipeline
	link    *link
	to      raft.ServerID
	answers chan raft.AppendFuture
	stop    chan struct{}
	end     sync.Once
	running sync.WaitGroup
}

func newPipeline(p raft.AppendPipeline, l *link, to raft.ServerID) *pipeline {
	out := &pipeline{AppendPipeline: p, link: l, to: to, answers: make(chan raft.AppendFuture), stop: make(chan struct{})}
	out.running.Go(out.collect)
	return out
}

// collect hands on answers. They are as many as entries were sent since raft stopped
// reading, which are few: it notices between two.
func (p *pipeline) collect() {
	var waiting []raft.AppendFuture
	in := p.AppendPipeline.Consumer()
	for {
		var out chan raft.AppendFuture
		var first raft.AppendFuture
		if len(waiting) > 0 {
			out, first = p.answers, waiting[0]
		}
		select {
		case answer := <-in:
			waiting = append(waiting, answer)
		case out <- first:
			waiting = waiting[1:]
		case <-p.stop:
			return
		}
	}
}

// AppendEntries implements raft.AppendPipeline.
func (p *pipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	a := *args
	a.RPCHeader = p.link.wrap(a.RPCHeader, p.to)
	return p.AppendPipeline.AppendEntries(&a, resp)
}

// Consumer implements raft.AppendPipeline.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.answers }

// Close implements raft.AppendPipeline.
func (p *pipeline) Close() error {
	err := p.AppendPipeline.Close()
	p.end.Do(func() { close(p.stop) })
	p.running.Wait()
	return err
}
