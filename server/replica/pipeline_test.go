package replica

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// TestPipelineWithoutReader sends entries to a member that refuses them, and reads no
// answer, as raft does after the first: sending ends all the same, and answers are
// there for whoever reads.
func TestPipelineWithoutReader(t *testing.T) {
	network := func() *raft.NetworkTransport {
		n, err := raft.NewTCPTransport("127.0.0.1:0", nil, 1, 10*time.Second, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		return n
	}
	ours, theirs := network(), network()
	unknown := func() history { return history{} }
	from, to := newLink(ours, "from", unknown), newLink(theirs, "to", unknown)
	defer from.close()
	defer to.close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case call := <-to.Consumer():
				call.Respond(&raft.AppendEntriesResponse{}, nil)
			case <-ended:
				return
			}
		}
	}()

	p, err := from.AppendEntriesPipeline("to", theirs.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	const entries = 20
	sent := make(chan error, entries)
	go func() {
		for term := range uint64(entries) {
			_, err := p.AppendEntries(&raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("from")}, Term: term}, new(raft.AppendEntriesResponse))
			sent <- err
		}
	}()
	late := time.After(20 * time.Second)
	for range entries {
		select {
		case err := <-sent:
			if err != nil {
				t.Fatal(err)
			}
		case <-late:
			t.Fatal("sending waits for whoever reads the answers")
		}
	}
	for term := range uint64(entries) {
		answer := <-p.Consumer()
		if err := answer.Error(); err != nil || answer.Request().Term != term || answer.Response().Success {
			t.Fatalf("answer %d: %+v, %v", term, answer.Response(), err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
