package replica

import (
	"context"
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/server/store"
)

func TestRoundsAreShared(t *testing.T) {
	asked := make(chan struct{})
	answer := make(chan store.Revision)
	r := &rounds{question: func() (store.Revision, error) {
		asked <- struct{}{}
		if rev := <-answer; rev > 0 {
			return rev, nil
		}
		return 0, errors.New("no leader")
	}}
	first := r.join()
	<-asked
	second, third := r.join(), r.join()
	if second == first || second != third {
		t.Error("who comes after a question was put must wait for the next one, together")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.ask(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone got %v", err)
	}
	answer <- 7
	<-first.done
	<-asked
	last := r.join()
	answer <- 9
	<-second.done
	<-asked
	answer <- 0
	<-last.done
	r.wait()
	if first.rev != 7 || second.rev != 9 || last.err == nil {
		t.Errorf("answers %d, %d, %v", first.rev, second.rev, last.err)
	}
	go func() {
		<-asked
		answer <- 11
	}()
	if rev, err := r.ask(t.Context()); rev != 11 || err != nil {
		t.Errorf("after a rest: %d, %v", rev, err)
	}
}
