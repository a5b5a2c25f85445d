package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/schema"
)

var (
	worlds = flag.Int("worlds", defaultWorlds, "how many random worlds TestWorlds asks")
	seed   = flag.Uint64("seed", 1, "the seed of the first world; the others follow")
)

// fewest is how many worlds make the demanded shares of TestWorlds telling.
const fewest = 500

// TestWorlds asks the engine and the reference evaluator the same questions
// about random worlds. PEMBA_SOAK, a duration, makes it run that long, from a
// seed of its own.
func TestWorlds(t *testing.T) {
	first, count, until := *seed, *worlds, time.Time{}
	if soak := os.Getenv("PEMBA_SOAK"); soak != "" {
		d, err := time.ParseDuration(soak)
		if err != nil {
			t.Fatalf("PEMBA_SOAK: %v", err)
		}
		first, until = uint64(time.Now().UnixNano()), time.Now().Add(d)
		t.Logf("soaking for %s from -seed %d", d, first)
	}
	var census census
	caveats := &cachedCaveats{compiler: caveat.New()}
	for i := 0; i < count || time.Now().Before(until); i++ {
		w := enginetest.NewWorld(first + uint64(i))
		trial, err := open(w, caveats)
		if err != nil {
			t.Fatalf("%v\n%s", err, w)
		}
		for _, p := range properties() {
			if p.fault(trial) != nil {
				report(t, w, p, caveats)
			}
		}
		census.add(trial)
	}
	t.Log(census.String())
	if census.worlds >= fewest {
		census.judge(t)
	}
}

// report shrinks a world in which a property does not hold, and fails.
func report(t *testing.T, w enginetest.World, p property, caveats *cachedCaveats) {
	t.Helper()
	fault := func(w enginetest.World) error {
		trial, err := open(w, caveats)
		if err != nil {
			return nil // not a world
		}
		return p.fault(trial)
	}
	small := enginetest.Shrink(w, func(w enginetest.World) bool { return fault(w) != nil })
	t.Fatalf("%s: %v\n\nPaste this into engine/testdata/scenarios/, as what the reference expects:\n%s", p.name, fault(small), small)
}

// property is something that holds in every world.
type property struct {
	name  string
	holds func(*trial) error
}

// fault returns why the property does not hold; a panic is a reason too.
func (p property) fault(t *trial) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return p.holds(t)
}

// trial is a world with the engine and the reference over it.
type trial struct {
	enginetest.World
	schema  *schema.Schema
	engine  *engine.Engine
	ref     *enginetest.Reference
	caveats *cachedCaveats
}

// open compiles a world. It returns an error if the schema is refused, or does
// not allow a relationship or a question.
func open(w enginetest.World, caveats *cachedCaveats) (*trial, error) {
	t := &trial{World: w, caveats: caveats}
	var err error
	if t.schema, err = schema.Compile(w.Schema, schema.Options{Caveats: caveats}); err != nil {
		return nil, fmt.Errorf("compiling: %w", err)
	}
	for _, r := range w.Relationships {
		if err := engine.Validate(t.schema, r); err != nil {
			return nil, fmt.Errorf("validating: %w", err)
		}
	}
	for _, q := range w.Questions {
		if _, err := engine.Resolve(t.schema, q.Resource.Type, q.Relation); err != nil {
			return nil, err
		}
		if t.schema.Type(q.Subject.Type) == nil || q.Subject.Relation != "" && t.schema.Relation(q.Subject.Type, q.Subject.Relation) == nil {
			return nil, fmt.Errorf("no such subject: %s", q.Subject)
		}
	}
	if t.ref, err = w.Reference(); err != nil {
		return nil, err
	}
	t.engine = &engine.Engine{
		Schema:  t.schema,
		Reader:  engine.NewMemory(w.Relationships...),
		Now:     w.Now,
		Context: w.Context,
		// Walks through worlds may be deeper than requests.
		Limits: engine.Limits{Depth: 1000},
	}
	return t, nil
}

// check asks the engine; the outcome Cycle stands for its CycleError.
func (t *trial) check(q enginetest.Question) (engine.Answer, enginetest.Outcome, error) {
	a, err := t.engine.Check(context.Background(), q.Resource, q.Relation, q.Subject)
	if err != nil {
		return a, enginetest.Cycle, notCycle(err)
	}
	return a, outcome(a.State), nil
}

// want is the reference's answer.
func (t *trial) want(q enginetest.Question) enginetest.Outcome {
	return t.ref.Check(q.Resource, q.Relation, q.Subject)
}

func outcome(s engine.State) enginetest.Outcome {
	switch s {
	case engine.Yes:
		return enginetest.Yes
	case engine.Conditional:
		return enginetest.Conditional
	}
	return enginetest.No
}

// notCycle returns the error unless it is a CycleError.
func notCycle(err error) error {
	if cycle := (*engine.CycleError)(nil); errors.As(err, &cycle) && len(cycle.Path) > 0 {
		return nil
	}
	return err
}

// cachedCaveats compiles each caveat text once: random worlds have few.
type cachedCaveats struct {
	compiler schema.CaveatCompiler
	mu       sync.Mutex
	programs map[string]schema.Program
}

// CompileCaveat implements schema.CaveatCompiler.
func (c *cachedCaveats) CompileCaveat(name string, params []schema.Param, body string) (schema.Program, []schema.CaveatFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := name + "(" + body + ")"
	for _, p := range params {
		key += " " + p.Name + " " + p.Type.String()
	}
	if p := c.programs[key]; p != nil {
		return p, nil
	}
	p, faults := c.compiler.CompileCaveat(name, params, body)
	if c.programs == nil {
		c.programs = map[string]schema.Program{}
	}
	c.programs[key] = p
	return p, faults
}

// census counts what the worlds had, so that a generator that misses something
// does not pass for an engine without faults.
type census struct {
	worlds, cyclicWorlds int
	features             map[string]int
	outcomes             [4]int // by enginetest.Outcome
}

func (c *census) add(t *trial) {
	if c.features == nil {
		c.features = map[string]int{}
	}
	c.worlds++
	for f := range t.ref.Features(t.Questions) {
		c.features[f]++
	}
	cyclic := false
	for _, q := range t.Questions {
		o := t.want(q)
		c.outcomes[o]++
		cyclic = cyclic || o == enginetest.Cycle
	}
	if cyclic {
		c.cyclicWorlds++
	}
}

func (c *census) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds; yes %.1f %%, conditional %.1f %%; with an exclusion that recurses %.1f %%; with", c.worlds,
		c.share(enginetest.Yes), c.share(enginetest.Conditional), 100*float64(c.cyclicWorlds)/float64(c.worlds))
	for _, f := range enginetest.Features() {
		fmt.Fprintf(&b, " %s %.1f %%", f, c.percent(f))
	}
	return b.String()
}

func (c *census) percent(feature string) float64 {
	return 100 * float64(c.features[feature]) / float64(c.worlds)
}

func (c *census) share(o enginetest.Outcome) float64 {
	answers := c.outcomes[enginetest.No] + c.outcomes[enginetest.Conditional] + c.outcomes[enginetest.Yes]
	return 100 * float64(c.outcomes[o]) / float64(answers)
}

func (c *census) judge(t *testing.T) {
	t.Helper()
	for _, f := range enginetest.Features() {
		if c.percent(f) < 5 {
			t.Errorf("only %.1f %% of the worlds have %s; at least 5 %% must", c.percent(f), f)
		}
	}
	if yes := c.share(enginetest.Yes); yes < 20 || yes > 80 {
		t.Errorf("%.1f %% of the answers are yes; 20 to 80 %% must be", yes)
	}
	if may := c.share(enginetest.Conditional); may < 5 {
		t.Errorf("%.1f %% of the answers are conditional; at least 5 %% must be", may)
	}
	if c.cyclicWorlds*100 < c.worlds {
		t.Errorf("%d of %d worlds have a recursion through an exclusion; at least 1 %% must", c.cyclicWorlds, c.worlds)
	}
}

// distinct returns the questions with a part of each that differs, in order.
func distinct[K comparable](questions []enginetest.Question, key func(enginetest.Question) K) []K {
	var keys []K
	for _, q := range questions {
		if k := key(q); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}
