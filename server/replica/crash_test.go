package replica

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

const (
	crashKey     = "PEMBA_TEST_CRASH"
	crashWriters = 8
	crashRounds  = 30
)

// crashConfig has the log make snapshots all the time, so that kills hit them.
func crashConfig(dir string) Config {
	return Config{Dir: dir, SnapshotEvery: 50, snapshotInterval: 5 * time.Millisecond, Store: store.Config{MinFree: 1}}
}

// crashName is what a writer writes with its n-th write of a round.
func crashName(round string, writer, n int) string {
	return fmt.Sprintf("document:r%s/%d/%d#viewer@user:anne", round, writer, n)
}

// crashChild writes until it is killed, and prints each write when it is
// acknowledged.
func crashChild(t *testing.T, dir, round string) {
	fmt.Println("open")
	r, err := Open(t.Context(), crashConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	text := testSchema
	if _, err := r.Propose(t.Context(), Proposal{Tx: store.Transaction{Schema: &text}}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for writer := range crashWriters {
		wg.Go(func() {
			for n := 0; ; n++ {
				name := crashName(round, writer, n)
				tx := touch(t, name)
				if n > 0 { // the one before goes with it: half a transaction would show both or none
					tx.Updates = append(tx.Updates, store.Update{Op: store.Delete, Relationship: relationship(t, crashName(round, writer, n-1))})
				}
				result, err := r.Propose(t.Context(), Proposal{Tx: tx})
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Printf("%d %d %d %s\n", writer, n, result.Revision, result.Token)
			}
		})
	}
	wg.Wait()
}

// crashRun starts a child, kills it after so many acknowledged writes, and
// returns the last one that each writer had.
func crashRun(t *testing.T, dir, round string, acks int) (last [crashWriters]int, newest store.Revision) {
	t.Helper()
	for i := range last {
		last[i] = -1
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), crashKey+"="+dir, crashKey+"_ROUND="+round)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	killed := false
	for n := -1; lines.Scan(); n++ { // the first line comes before Open
		var writer, write int
		var rev store.Revision
		var token string
		if _, err := fmt.Sscan(lines.Text(), &writer, &write, &rev, &token); err == nil {
			last[writer], newest = write, max(newest, rev)
		} else if lines.Text() != "open" {
			t.Errorf("round %s: the child says %s", round, lines.Text())
		}
		if n+1 >= acks && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return last, newest
}

// TestCrash kills a process under write load, again and again on one directory.
// Every acknowledged write must be there, none by halves, and no revision may be
// given twice. PEMBA_SOAK, a duration, makes it go on that long.
func TestCrash(t *testing.T) {
	if dir := os.Getenv(crashKey); dir != "" {
		crashChild(t, dir, os.Getenv(crashKey+"_ROUND"))
		return
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var newest store.Revision
	began, soak := time.Now(), crashSoak(t)
	for round := 0; round < crashRounds || time.Since(began) < soak; round++ {
		name := fmt.Sprint(round)
		last, rev := crashRun(t, dir, name, random.IntN(300))
		newest = max(newest, rev)
		if random.IntN(3) == 0 {
			continue // the next child finds what this one left
		}
		r, err := Open(t.Context(), crashConfig(dir))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		head := r.Head()
		if head < newest {
			t.Errorf("round %d: revision %d was acknowledged, and the head is %d", round, newest, head)
		}
		crashFind(t, r, name, last)
		if err := r.store.Verify(t.Context(), nil); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		result := propose(t, r, Proposal{Tx: schemaOf(testSchema)})
		if result.Revision <= newest {
			t.Errorf("round %d: revision %d is given after %d", round, result.Revision, newest)
		}
		newest = result.Revision
		shut(t, r)
	}
}

func crashSoak(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("PEMBA_SOAK")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PEMBA_SOAK: %v", err)
	}
	return d
}

// crashFind checks that of each writer exactly one relationship is there: the
// last that was acknowledged, or the one after it.
func crashFind(t *testing.T, r *Replica, round string, last [crashWriters]int) {
	t.Helper()
	for writer, n := range last {
		found := 0
		for _, at := range []int{n - 1, n, n + 1} {
			if at >= 0 && readable(t, r, crashName(round, writer, at)) {
				found++
				if at == n-1 {
					t.Errorf("round %s: writer %d: write %d was undone", round, writer, n)
				}
			}
		}
		if n >= 0 && found != 1 {
			t.Errorf("round %s: writer %d: %d of the relationships around write %d are there", round, writer, found, n)
		}
	}
}
