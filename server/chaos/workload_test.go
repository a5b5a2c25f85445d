//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	registers = 8
	flags     = 8
	pairs     = 3 // of a person and a folder with a secret
	recent    = 256
)

// workload is what clients do to a cluster while it is broken.
type workload struct {
	cluster  *cluster
	recorder *recorder
	seed     uint64
	running  sync.WaitGroup

	mu     sync.Mutex
	tokens []string            // of the newest writes
	values map[string][]string // that keys were given lately
}

func newWorkload(c *cluster, r *recorder, seed uint64) *workload {
	return &workload{cluster: c, recorder: r, seed: seed, values: map[string][]string{}}
}

// prepare writes the schema, and returns the token after which watches begin.
func (w *workload) prepare(ctx context.Context) (string, error) {
	k := w.worker(0)
	first := w.recorder.begin(0, actSchema, "variant:x")
	first.New = "first"
	k.persist(ctx, first)
	if first.Result != done {
		return "", fmt.Errorf("writing the schema: %s", first.Error)
	}
	// On the same node, which has the schema: one that lags and has a bug planted
	// may refuse what it allows.
	token, err := w.cluster.clients[first.Node].variants(ctx)
	if err != nil {
		return "", err
	}
	for node := range w.cluster.clients { // from now on, reads find the schema
		o := w.recorder.begin(0, actWhich, "variant:x")
		o.New, o.Mode, o.Token = "first", modeLeast, token
		if k.ask(ctx, o, node); o.Result != done {
			return "", fmt.Errorf("the first read: %v", o)
		}
	}
	return first.At, nil
}

// run starts workers, until ctx ends; wait waits for them.
func (w *workload) run(ctx context.Context, writers, readers int) {
	number := 0
	start := func(step func(*worker, context.Context)) {
		number++
		k := w.worker(number)
		w.running.Go(func() {
			for ctx.Err() == nil {
				step(k, ctx)
			}
		})
	}
	for range writers {
		start((*worker).write)
	}
	for range readers {
		start((*worker).read)
	}
	for i := range pairs {
		start(func(k *worker, ctx context.Context) { k.enemy(ctx, i) })
	}
	start((*worker).schema)
}

// wait waits until all workers have ended.
func (w *workload) wait() { w.running.Wait() }

// keys are all that are written.
func (w *workload) keys() []string {
	var keys []string
	for _, s := range []struct {
		typ   string
		count int
	}{{"register", registers}, {"flag", flags}, {"folder", pairs}, {"secret", pairs}} {
		for i := range s.count {
			keys = append(keys, fmt.Sprintf("%s:%d", s.typ, i))
		}
	}
	return keys
}

// worker is one client: it does one thing at a time.
type worker struct {
	*workload
	number int
	random *rand.Rand
}

func (w *workload) worker(number int) *worker {
	return &worker{w, number, rand.New(rand.NewPCG(w.seed, uint64(number)))}
}

// node picks the node to talk to.
func (k *worker) node() int { return k.random.IntN(len(k.cluster.clients)) }

// attempt sends a write once.
func (k *worker) attempt(ctx context.Context, o *operation, keyed bool) {
	o.Node = k.node()
	if err := k.cluster.clients[o.Node].send(ctx, o, keyed); err != nil {
		k.recorder.failure(err)
	}
}

// persist sends a write again until its outcome is known. The idempotency key
// makes that safe.
func (k *worker) persist(ctx context.Context, o *operation) {
	for uncertain := false; ; {
		k.attempt(ctx, o, true)
		if o.Result == done || o.Result == refused || o.Strange {
			break
		}
		uncertain = uncertain || o.Result == unknown
		if wait(ctx, 50*time.Millisecond) != nil {
			if uncertain {
				o.Result = unknown // an earlier try may have done it
			}
			break
		}
	}
	k.finish(o)
	if o.Result == done && k.random.IntN(8) == 0 {
		k.repeat(ctx, o)
	}
}

// repeat sends a write once more, like a client that lost the answer. It must get
// the same.
func (k *worker) repeat(ctx context.Context, o *operation) {
	if o.Act == actSchema {
		return // it has no key, and is the same again
	}
	again := &operation{ID: o.ID, Act: o.Act, Key: o.Key, Old: o.Old, New: o.New}
	k.attempt(ctx, again, true)
	if again.Result == refused || again.Result == done && again.At != o.At {
		k.recorder.repeated(fmt.Sprintf("%v: its repeat with the same idempotency key was %s", o, again.Result))
	}
}

// once sends a write once, and leaves the outcome unknown if it is.
func (k *worker) once(ctx context.Context, o *operation) {
	k.attempt(ctx, o, false)
	k.finish(o)
	if o.Result != done && o.Result != refused {
		_ = wait(ctx, 20*time.Millisecond)
	}
}

// finish records a write, and remembers what readers can ask for.
func (k *worker) finish(o *operation) {
	k.recorder.end(o)
	if o.Result != done {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens = append(k.tokens, o.At)
	k.values[o.Key] = append(k.values[o.Key], o.New)
	if len(k.tokens) > 2*recent {
		k.tokens = append([]string(nil), k.tokens[recent:]...)
	}
	if v := k.values[o.Key]; len(v) > 8 {
		k.values[o.Key] = append([]string(nil), v[4:]...)
	}
}

// value is one that a key had lately.
func (k *worker) value(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.values[key]; len(v) > 0 {
		return v[len(v)-1-k.random.IntN(min(len(v), 3))]
	}
	return ""
}

// token is one of the newest, mostly.
func (k *worker) token() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := len(k.tokens)
	if n == 0 {
		return ""
	}
	if k.random.IntN(4) > 0 {
		return k.tokens[n-1-k.random.IntN(min(n, 8))]
	}
	return k.tokens[k.random.IntN(n)]
}

// write does something to a register or a flag.
func (k *worker) write(ctx context.Context) {
	if k.random.IntN(3) == 0 {
		k.flag(ctx)
		return
	}
	key := fmt.Sprintf("register:%d", k.random.IntN(registers))
	if k.random.IntN(20) == 0 {
		k.send(ctx, k.recorder.begin(k.number, actDelete, key))
		return
	}
	old := k.value(key)
	if k.random.IntN(2) == 0 {
		seen := k.recorder.begin(k.number, actRead, key)
		seen.Mode = modeFull
		if k.ask(ctx, seen, k.node()); seen.Result != done {
			return
		}
		old = seen.Answer
	}
	o := k.recorder.begin(k.number, actSwap, key)
	o.Old, o.New = old, fmt.Sprintf("v%d", o.ID)
	k.send(ctx, o)
}

func (k *worker) flag(ctx context.Context) {
	key := fmt.Sprintf("flag:%d", k.random.IntN(flags))
	o := k.recorder.begin(k.number, []action{actCreate, actTouch, actDelete}[k.random.IntN(3)], key)
	o.New = "p"
	if o.Act == actDelete {
		o.Old, o.New = "p", ""
	}
	k.send(ctx, o)
}

// send sends a write in one of the ways that clients have.
func (k *worker) send(ctx context.Context, o *operation) {
	if k.random.IntN(2) == 0 {
		k.persist(ctx, o)
	} else {
		k.once(ctx, o)
	}
}

// ask sends a read to a node and records it.
func (k *worker) ask(ctx context.Context, o *operation, node int) {
	o.Node = node
	if (o.Mode == modeLeast || o.Mode == modeExact) && o.Token == "" {
		if o.Token = k.token(); o.Token == "" {
			o.Mode = modeLatency
		}
	}
	life := k.cluster.nodes[node].lives.Load()
	k.cluster.clients[node].ask(ctx, o)
	if k.cluster.nodes[node].lives.Load() == life {
		o.Life = int(life)
	}
	k.recorder.end(o)
	if o.Result == failed {
		_ = wait(ctx, 20*time.Millisecond)
	}
}

var modes = []mode{modeLatency, modeFull, modeFull, modeLeast, modeExact}

// read asks a node for something.
func (k *worker) read(ctx context.Context) {
	var o *operation
	switch k.random.IntN(8) {
	case 0:
		o = k.recorder.begin(k.number, actRead, fmt.Sprintf("register:%d", k.random.IntN(registers)))
	case 1, 2, 3:
		o = k.recorder.begin(k.number, actCheck, fmt.Sprintf("register:%d", k.random.IntN(registers)))
		if o.New = k.value(o.Key); o.New == "" {
			o.New = "v0"
		}
	case 4, 5:
		o = k.recorder.begin(k.number, actCheck, fmt.Sprintf("flag:%d", k.random.IntN(flags)))
		o.New = "p"
	case 6:
		o = k.recorder.begin(k.number, actWhich, "variant:x")
		o.New = []string{"first", "other"}[k.random.IntN(2)]
	default:
		o = k.peek(k.random.IntN(pairs))
	}
	o.Mode = modes[k.random.IntN(len(modes))]
	k.ask(ctx, o, k.node())
}

// peek asks whether the secret of a pair is shown.
func (k *worker) peek(pair int) *operation {
	o := k.recorder.begin(k.number, actPeek, fmt.Sprintf("secret:%d", pair))
	o.New = fmt.Sprint(pair)
	return o
}

// enemy gives a person access to a folder, takes it back, and only then puts a
// secret into the folder. Before the person comes back, the secret is gone. At
// no revision is it shown, and all nodes are asked.
func (k *worker) enemy(ctx context.Context, pair int) {
	folder, secret, name := fmt.Sprintf("folder:%d", pair), fmt.Sprintf("secret:%d", pair), fmt.Sprint(pair)
	for _, step := range []struct {
		act      action
		key      string
		old, new string
	}{
		{actDelete, secret, name, ""},
		{actTouch, folder, "", name},
		{actDelete, folder, name, ""},
		{actTouch, secret, "", name},
	} {
		o := k.recorder.begin(k.number, step.act, step.key)
		o.Old, o.New = step.old, step.new
		if k.persist(ctx, o); o.Result != done {
			return // the time is over
		}
		if step.key == secret && step.act == actDelete {
			continue
		}
		for node := range k.cluster.clients {
			seen := k.peek(pair)
			if step.key == folder {
				seen.Act, seen.Key = actCheck, folder
			}
			seen.Mode, seen.Token = []mode{modeLeast, modeExact}[k.random.IntN(2)], o.At
			k.ask(ctx, seen, node)
		}
	}
}

// schema replaces the schema by its other variant, now and then.
func (k *worker) schema(ctx context.Context) {
	for _, variant := range []string{"other", "first"} {
		if wait(ctx, time.Duration(200+k.random.IntN(400))*time.Millisecond) != nil {
			return
		}
		o := k.recorder.begin(k.number, actSchema, "variant:x")
		o.New = variant
		k.persist(ctx, o)
	}
}
