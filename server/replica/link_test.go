package replica

import (
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// TestNudgeEnds nudges raft that has ended and takes nothing: closing does not
// wait for it.
func TestNudgeEnds(t *testing.T) {
	_, transport := raft.NewInmemTransport("a:1")
	l := newLink(transport, "a", func() history { return history{} })
	defer l.close()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		l.nudge(stop)
	}()
	select {
	case <-ended:
		t.Fatal("nobody took it")
	default:
	}
	close(stop)
	<-ended
}

// from returns the header of a message from one member to another.
func from(sender, to *Replica) raft.RPCHeader {
	h := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(sender.id), Addr: []byte(sender.config.Network.Address())}
	return sender.node.link.wrap(h, to.id)
}

// proposal is an encoded command that writes a relationship.
func proposal(t *testing.T, text string) []byte {
	t.Helper()
	data, err := (&command{kind: kindTransaction, tx: touch(t, text)}).encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCommitUpToMessage has a member that led alone, and has an entry that nobody
// else got, hear of the next leader how far its log is for good, in a message without
// entries that ends before: the member does not take its own entry for that.
func TestCommitUpToMessage(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		old := g.leader()
		propose(t, old, Proposal{Tx: schemaOf(testSchema)})
		synctest.Wait()
		last := old.node.raft.LastIndex()
		var entry raft.Log
		if err := old.node.files.logs.GetLog(last, &entry); err != nil {
			t.Fatal(err)
		}
		g.ether.isolate(old.config.Network.Address(), true)
		lost := old.node.raft.Apply(proposal(t, "document:lost#viewer@user:anne"), 0)
		if err := lost.Error(); err == nil {
			t.Error("an entry that nobody else has is there for good")
		}
		var next *Replica
		g.until("another leads", func() bool {
			for _, r := range g.nodes {
				if r != old && r.node.established.Load() {
					next = r
				}
			}
			return next != nil
		})
		propose(t, next, Proposal{Tx: touch(t, "document:kept#viewer@user:anne")})
		if old.node.raft.LastIndex() <= last || next.node.raft.CommitIndex() <= last {
			t.Fatalf("the logs end at %d and %d", old.node.raft.LastIndex(), next.node.raft.CommitIndex())
		}

		_, voice := raft.NewInmemTransport(raft.ServerAddress(next.config.Network.Address()))
		voice.Connect(raft.ServerAddress(old.config.Network.Address()), old.config.Network.(*memory).transport)
		var answer raft.AppendEntriesResponse
		err := voice.AppendEntries(old.id, raft.ServerAddress(old.config.Network.Address()), &raft.AppendEntriesRequest{
			RPCHeader: from(next, old), Term: next.node.raft.CurrentTerm(),
			PrevLogEntry: entry.Index, PrevLogTerm: entry.Term, LeaderCommitIndex: next.node.raft.CommitIndex(),
		}, &answer)
		if err != nil || !answer.Success {
			t.Fatalf("the answer is %+v, %v", answer, err)
		}
		synctest.Wait()
		if old.Head() > store.Revision(last) {
			t.Errorf("revision %d is one that nobody else has", old.Head())
		}
		g.ether.isolate(old.config.Network.Address(), false)
		g.same()
	})
}
