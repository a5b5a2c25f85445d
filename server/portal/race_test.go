package portal

import (
	"errors"
	"sync"
	"testing"
)

// races is how often two callers race each other, at least.
const races = 60

// race lets two callers do something at the same moment, at least races times and
// until each has won once. setup makes a state for every round and returns what the
// two do; exactly one of them must be done, and the other be refused. check looks at
// the state after it.
func race(t *testing.T, setup func(t *testing.T, round int) (first, second func() error, check func(firstWon bool))) {
	t.Helper()
	won := map[bool]int{}
	for round := range races * 20 {
		if round >= races && won[true] > 0 && won[false] > 0 {
			break
		}
		first, second, check := setup(t, round)
		errs := together(round%2 == 0, first, second)
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v; one of the two must be done", round, errs[0], errs[1])
		}
		if err := errors.Join(errs[0], errs[1]); refusal(t, err) != nil {
			won[errs[0] == nil]++
		}
		check(errs[0] == nil)
	}
	if won[true] == 0 || won[false] == 0 {
		t.Errorf("the first won %d times and the second %d: one order was never seen", won[true], won[false])
	}
}

// together does two things at the same moment and returns their errors. Who is woken
// first is for the caller to say.
func together(turned bool, first, second func() error) [2]error {
	var errs [2]error
	var wait sync.WaitGroup
	gate := make(chan struct{})
	do := func(i int, f func() error) func() {
		return func() {
			<-gate
			errs[i] = f()
		}
	}
	calls := []func(){do(0, first), do(1, second)}
	if turned {
		calls[0], calls[1] = calls[1], calls[0]
	}
	for _, call := range calls {
		wait.Go(call)
	}
	close(gate)
	wait.Wait()
	return errs
}
