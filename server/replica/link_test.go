package replica

import (
	"testing"

	"github.com/hashicorp/raft"
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
