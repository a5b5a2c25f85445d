package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/pemba-authz/pemba/server/store"
)

const (
	faultsTime    = 100 * time.Second // of the clock of the test
	faultsClients = 6
	faultsKeys    = 8
)

// TestFaults lets clients read and write registers through random members while
// members are cut off, killed, closed, emptied, moved to other disks, demoted,
// slowed, while leadership is handed on, the floor moves and snapshots are made.
// It checks that
//   - what was read and written is linearizable,
//   - no acknowledged write is lost, and none is applied twice,
//   - no member's revisions go back, and a read with a token has what it names,
//   - all members come to the same states.
//
// PEMBA_SOAK, a duration, makes it go on that long, each time with another seed.
func TestFaults(t *testing.T) {
	seeds := []uint64{1, 2}
	soak := crashSoak(t)
	if soak > 0 {
		seeds[0] = rand.Uint64()
	}
	began := time.Now()
	for i := 0; i < len(seeds); i++ {
		seed := seeds[i]
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			grouped(t, func(t *testing.T, g *group) { newFaults(t, g, seed).run() })
		})
		if i == len(seeds)-1 && time.Since(began) < soak && !t.Failed() {
			seeds = append(seeds, rand.Uint64())
		}
	}
}

// faults is one run.
type faults struct {
	t      *testing.T
	g      *group
	random *rand.Rand // of the faults
	seed   uint64
	log    map[string]int // how often what was done

	members int

	mu      sync.Mutex // never held while waiting
	live    map[string]*Replica
	history [faultsKeys][]porcupine.Operation
	unique  int             // of values
	acked   map[string]bool // values that were acknowledged
	newest  Result          // of what was acknowledged
	heads   map[*Replica]store.Revision
	unsure  int // operations whose fate is not known
}

func newFaults(t *testing.T, g *group, seed uint64) *faults {
	g.every, g.keep, g.commit = 100, 50, 50*time.Millisecond
	return &faults{
		t: t, g: g, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), log: map[string]int{},
		live: map[string]*Replica{}, acked: map[string]bool{}, heads: map[*Replica]store.Revision{},
	}
}

func (f *faults) run() {
	f.members = 3 + 2*int(f.seed%2)
	for i, r := range f.g.found(f.members) {
		f.live[r.config.Name] = r
		if i == 0 {
			propose(f.t, r, Proposal{Tx: schemaOf(testSchema)})
		}
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), faultsTime)
	defer cancel()
	var clients sync.WaitGroup
	for id := range faultsClients {
		clients.Go(func() { f.client(ctx, id) })
	}
	for ctx.Err() == nil && !f.t.Failed() {
		pause(ctx, time.Duration(f.random.IntN(1000))*time.Millisecond)
		f.fault(ctx)
	}
	cancel()
	clients.Wait()
	f.heal()
	f.check()
}

// client reads and writes registers, one operation after the other.
func (f *faults) client(ctx context.Context, id int) {
	random := rand.New(rand.NewPCG(f.seed, uint64(id)+1))
	for ctx.Err() == nil && !f.t.Failed() {
		pause(ctx, time.Duration(50+random.IntN(300))*time.Millisecond)
		r := f.pick(random)
		if r == nil {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, time.Duration(1+random.IntN(4))*time.Second)
		key := random.IntN(faultsKeys)
		switch random.IntN(8) {
		case 0, 1, 2:
			f.write(bounded, id, r, key, "")
		case 3:
			f.swap(bounded, id, r, key)
		case 4, 5:
			f.read(bounded, id, r, key)
		case 6:
			f.readAtToken(bounded, r)
		case 7:
			f.readHere(r)
		}
		cancel()
	}
}

// pick returns a member that lives.
func (f *faults) pick(random *rand.Rand) *Replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, 0, len(f.live))
	for i := range 9 {
		if name := fmt.Sprintf("n%d", i+1); f.live[name] != nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return f.live[names[random.IntN(len(names))]]
}

// register is an operation on one: what it wrote or read, and for a swap what had
// to be there.
type register struct {
	op          string // "read", "write", "swap"
	value, want string
	done        bool // swap: it was applied; else it was refused
	unknown     bool // it may have been applied
}

// registers says how they behave. Their state is their value.
var registers = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		in, out := input.(register), output.(register)
		switch {
		case in.op == "read":
			return out.value == state, state
		case in.op == "write":
			return true, in.value
		case out.unknown && state != in.want:
			return true, state
		case out.unknown || out.done:
			return state == in.want, in.value
		}
		return state != in.want, state
	},
}

// begin notes an operation; the result ends it. One whose fate is not known may
// be applied at any later time.
func (f *faults) begin(client, key int, in register) func(out register) {
	call := time.Now().UnixNano()
	return func(out register) {
		end := time.Now().UnixNano()
		f.mu.Lock()
		defer f.mu.Unlock()
		if out.unknown {
			f.unsure++
			end = 1 << 62
			client = faultsClients + f.unsure // it goes on beside what the client does next
		}
		f.history[key] = append(f.history[key], porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: end})
	}
}

// write gives a register a value that no other has, and notes it where nothing is
// ever deleted. want, when it is not empty, is what the register must have.
func (f *faults) write(ctx context.Context, client int, r *Replica, key int, want string) {
	f.mu.Lock()
	f.unique++
	value := fmt.Sprintf("v%d", f.unique)
	f.mu.Unlock()
	place := fmt.Sprintf("k%d", key)
	tx := store.Transaction{
		Deletes: []store.FilterDelete{{Filter: store.Filter{ResourceType: "document", ResourceID: place}}},
		Updates: []store.Update{
			{Op: store.Create, Relationship: relationship(f.t, "document:"+place+"#viewer@user:"+value)},
			{Op: store.Create, Relationship: relationship(f.t, "document:all#viewer@user:"+value)},
		},
	}
	in := register{op: "write", value: value}
	if want != "" {
		in.op, in.want = "swap", want
		tx.Preconditions = []store.Precondition{{Filter: store.Filter{ResourceType: "document", ResourceID: place, Subject: &store.SubjectFilter{Type: "user", ID: want}}, MustMatch: true}}
	}
	end := f.begin(client, key, in)
	result, err := r.Propose(ctx, Proposal{Tx: tx})
	var condition *store.PreconditionError
	var gone *UnavailableError
	switch {
	case err == nil:
		end(register{op: in.op, done: true})
		f.mu.Lock()
		f.acked[value] = true
		if result.Revision > f.newest.Revision {
			f.newest = result
		}
		f.mu.Unlock()
	case errors.As(err, &condition) && want != "":
		end(register{op: in.op})
	case errors.As(err, &gone) && gone.MayApply:
		end(register{op: in.op, unknown: true})
	case errors.As(err, &gone), errors.Is(err, ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		// It was not applied.
	default:
		f.t.Errorf("seed %d: writing %s: %v", f.seed, value, err) // applied twice, for one
	}
}

// swap writes if the register still has what a reader found.
func (f *faults) swap(ctx context.Context, client int, r *Replica, key int) {
	sn, err := r.Snapshot(ctx, Consistency{})
	if err != nil {
		return
	}
	want, err := f.value(sn, key)
	sn.Close()
	if err == nil && want != "" {
		f.write(ctx, client, r, key, want)
	}
}

// value returns that of a register.
func (f *faults) value(sn *Snapshot, key int) (string, error) {
	value := ""
	filter := store.Filter{ResourceType: "document", ResourceID: fmt.Sprintf("k%d", key)}
	for rel, err := range sn.Relationships(context.Background(), filter, nil) {
		if err != nil {
			return "", err
		}
		if value != "" {
			f.t.Errorf("seed %d: a register has the values %s and %s", f.seed, value, rel.Subject.ID)
		}
		value = rel.Subject.ID
	}
	return value, nil
}

func (f *faults) read(ctx context.Context, client int, r *Replica, key int) {
	end := f.begin(client, key, register{op: "read"})
	sn, err := r.Snapshot(ctx, Consistency{Mode: FullyConsistent})
	if err != nil {
		return
	}
	defer sn.Close()
	if value, err := f.value(sn, key); err == nil {
		end(register{op: "read", value: value})
		f.went(r, sn.Revision())
	}
}

// went notes the revision that a member showed. It never shows an older one.
func (f *faults) went(r *Replica, rev store.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heads[r] = max(f.heads[r], rev)
}

// readHere reads what a member has.
func (f *faults) readHere(r *Replica) {
	f.mu.Lock()
	last := f.heads[r]
	f.mu.Unlock()
	sn, err := r.Snapshot(context.Background(), Consistency{})
	if err != nil {
		return
	}
	defer sn.Close()
	if sn.Revision() < last {
		f.t.Errorf("seed %d: %s showed revision %d after %d", f.seed, r.config.Name, sn.Revision(), last)
	}
	f.went(r, sn.Revision())
}

// readAtToken reads at the newest token anywhere.
func (f *faults) readAtToken(ctx context.Context, r *Replica) {
	f.mu.Lock()
	newest := f.newest
	f.mu.Unlock()
	if newest.Token == "" {
		return
	}
	sn, err := r.Snapshot(ctx, Consistency{AtLeastAsFresh, newest.Token})
	var token *TokenError
	if errors.As(err, &token) && r.history.Load().cluster != 0 {
		f.t.Errorf("seed %d: a token is refused: %v", f.seed, err)
	}
	if err != nil {
		return
	}
	defer sn.Close()
	if sn.Revision() < newest.Revision {
		f.t.Errorf("seed %d: a read at revision %d has %d", f.seed, newest.Revision, sn.Revision())
	}
}

// heal ends all faults and brings everybody back.
func (f *faults) heal() {
	f.g.ether.heal()
	f.g.until("all live in one state", func() bool {
		for _, r := range f.g.nodes {
			if r.Serving() != nil || r.Lagging(5*time.Second) != nil {
				return false
			}
		}
		return true
	})
	f.g.same()
}

// check judges the history.
func (f *faults) check() {
	leader := f.g.leader()
	sn, err := leader.Snapshot(f.t.Context(), Consistency{Mode: FullyConsistent})
	if err != nil {
		f.t.Fatal(err)
	}
	defer sn.Close()
	stored := map[string]bool{}
	for rel, err := range sn.Relationships(f.t.Context(), store.Filter{ResourceType: "document", ResourceID: "all"}, nil) {
		if err != nil {
			f.t.Fatal(err)
		}
		stored[rel.Subject.ID] = true
	}
	for value := range f.acked {
		if !stored[value] {
			f.t.Errorf("seed %d: %s was acknowledged and is lost", f.seed, value)
		}
	}
	operations := 0
	for key := range f.history {
		operations += len(f.history[key])
		if got := porcupine.CheckOperationsTimeout(registers, f.history[key], time.Minute); got != porcupine.Ok {
			f.t.Errorf("seed %d: register %d is not linearizable: %s", f.seed, key, got)
		}
	}
	f.t.Logf("%d members, %d operations, %d acknowledged writes, %d of unknown fate; %v", len(f.g.nodes), operations, len(f.acked), f.unsure, f.log)
	if operations < 500 || len(f.acked) < 100 || len(f.log) < 6 {
		f.t.Errorf("seed %d: too little happened", f.seed)
	}
}

func (f *faults) note(what string) {
	f.log[what]++
}

// fault does one of them.
func (f *faults) fault(ctx context.Context) {
	r := f.pick(f.random)
	if r == nil || ctx.Err() != nil {
		return
	}
	address := r.config.Network.Address()
	wait := func(most int) { pause(ctx, time.Duration(500+f.random.IntN(most))*time.Millisecond) }
	switch f.random.IntN(12) {
	case 0, 1:
		f.note("isolated")
		f.g.ether.isolate(address, true)
		wait(4000)
		f.g.ether.isolate(address, false)
	case 2:
		f.note("cut one way")
		other := f.pick(f.random)
		f.g.ether.cut(address, other.config.Network.Address(), true)
		wait(4000)
		f.g.ether.cut(address, other.config.Network.Address(), false)
	case 3, 4:
		f.note("killed")
		f.stop(r, func() { f.g.kill(r) })
		wait(4000)
		f.start(r)
	case 5:
		f.note("closed")
		f.stop(r, func() { f.g.shut(r) })
		wait(3000)
		f.start(r)
	case 6:
		if !f.whole() { // else a majority might be lost for good
			return
		}
		f.note("emptied")
		f.stop(r, func() { f.g.kill(r) })
		if err := os.RemoveAll(r.config.Dir); err != nil {
			f.t.Error(err)
		}
		wait(1000)
		f.start(r)
		f.g.until("it votes again", f.whole)
	case 7:
		f.note("transferred")
		_, _ = r.TransferLeader(ctx, "") // it may have just gone
	case 8:
		f.note("demoted")
		other := f.pick(f.random)
		_ = r.Demote(ctx, string(other.id)) // which may be refused
		wait(3000)
		f.promote(string(other.id))
	case 9:
		f.note("slowed")
		f.g.ether.slow(time.Duration(f.random.IntN(200)) * time.Millisecond)
		wait(3000)
		f.g.ether.slow(0)
	case 10:
		f.note("floor moved")
		if head := r.Head(); r.node.established.Load() && head > 50 {
			_ = r.own(ctx, store.Transaction{Floor: head - 50})
		}
	case 11:
		f.note("snapshot")
		_ = r.node.raft.Snapshot().Error() // there may be nothing new
	}
}

// whole reports whether all members live and vote.
func (f *faults) whole() bool {
	r := f.pick(f.random)
	return r.Serving() == nil && r.node.voters() == f.members && len(r.node.servers()) == f.members
}

// promote gives the vote back, as soon as somebody can.
func (f *faults) promote(id string) {
	f.g.until(id+" votes again", func() bool {
		return f.pick(f.random).Promote(f.t.Context(), id) == nil
	})
}

// stop takes a member from the clients and ends it when none uses it.
func (f *faults) stop(r *Replica, end func()) {
	f.mu.Lock()
	delete(f.live, r.config.Name)
	f.mu.Unlock()
	pause(f.t.Context(), 4*time.Second) // the longest that an operation takes
	end()
}

func (f *faults) start(r *Replica) {
	again := f.g.again(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live[r.config.Name] = again
}
