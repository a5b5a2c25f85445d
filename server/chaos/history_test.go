//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// action is what an operation does to the state of its key, which is the one
// subject that the key holds; "" for none.
type action string

const (
	actSwap   action = "swap"   // from Old to New, refused when it is not Old
	actCreate action = "create" // New, refused when there is one
	actTouch  action = "touch"  // New, whatever there is; for keys of one subject
	actDelete action = "delete" // nothing, whatever there is
	actRead   action = "read"   // what is there?
	actCheck  action = "check"  // is it New?
	actPeek   action = "peek"   // is the secret shown to the person?
	actSchema action = "schema" // New is the schema's variant
	actWhich  action = "which"  // is New the schema's variant?
)

// result is what the client knows in the end.
type result string

const (
	done    result = "done"
	refused result = "refused" // by its own condition: the state was another
	failed  result = "failed"  // certainly not done
	unknown result = "unknown" // perhaps done, or still to be
)

// mode is how fresh a read was asked to be.
type mode string

const (
	modeLatency mode = "minimize_latency"
	modeFull    mode = "fully_consistent"
	modeLeast   mode = "at_least_as_fresh"
	modeExact   mode = "at_exact_snapshot"
)

// operation is what a client did.
type operation struct {
	ID     int64
	Client int
	Node   int // that answered, or was asked last; from 0
	Life   int // of the node: how often it began with no data; 0: between two
	Act    action
	Key    string
	Old    string `json:",omitempty"`
	New    string `json:",omitempty"`
	Mode   mode   `json:",omitempty"`
	Token  string `json:",omitempty"` // that was asked for

	Start, End time.Duration // since the recorder began
	Result     result
	Answer     string `json:",omitempty"` // of reads; "true" and "false" of checks
	At         string `json:",omitempty"` // token of the answer
	Tries      int
	Changed    bool   `json:",omitempty"` // a write that was done must have changed something
	Error      string `json:",omitempty"`
	Strange    bool   `json:",omitempty"` // no fault explains the error

	at, asked uint64 // revisions of At and Token
}

// write reports whether an operation may change something.
func (o *operation) write() bool {
	switch o.Act {
	case actSwap, actCreate, actTouch, actDelete, actSchema:
		return true
	}
	return false
}

// change is one revision as a watch told it.
type change struct {
	Token   string
	ID      int64 // of the operation; 0: of none
	Updates []update
	Schema  bool `json:",omitempty"`

	at uint64
}

// update is one relationship that was written or deleted.
type update struct {
	Deleted      bool `json:",omitempty"`
	Relationship string
}

// parts are the key and the subject of the relationship.
func (u update) parts() (key, subject string) {
	resource, rest, _ := strings.Cut(u.Relationship, "@")
	key, _, _ = strings.Cut(resource, "#")
	_, subject = split(rest)
	return key, subject
}

// history is what happened.
type history struct {
	Seed       uint64
	Operations []*operation
	Watches    map[string][]*change // by the name of the watch
	Faults     []string
	Repeats    []string // that got another answer
	Hashes     []*pembav1.StateHashResponse

	byID map[int64]*operation
}

// recorder makes a history. It is safe for concurrent use.
type recorder struct {
	began  time.Time
	last   atomic.Int64 // id of the newest operation
	ended  atomic.Int64 // operations with a definite answer
	writes atomic.Int64 // writes that were done
	say    func(format string, args ...any)

	mu      sync.Mutex
	codes   map[codes.Code]int // of errors
	history history
}

func newRecorder(seed uint64, say func(format string, args ...any)) *recorder {
	return &recorder{began: time.Now(), say: say, codes: map[codes.Code]int{}, history: history{Seed: seed, Watches: map[string][]*change{}}}
}

// begin begins an operation.
func (r *recorder) begin(client int, act action, key string) *operation {
	return &operation{ID: r.last.Add(1), Client: client, Act: act, Key: key, Start: time.Since(r.began)}
}

// end ends it.
func (r *recorder) end(o *operation) {
	o.End = time.Since(r.began)
	switch o.Result {
	case done, refused:
		r.ended.Add(1)
		if o.write() && o.Result == done {
			r.writes.Add(1)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Operations = append(r.history.Operations, o)
}

// repeated notes a repeat that was not answered as the first time.
func (r *recorder) repeated(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Repeats = append(r.history.Repeats, what)
}

// hashed adds the hashes of the members at some revision.
func (r *recorder) hashed(h *pembav1.StateHashResponse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Hashes = append(r.history.Hashes, h)
}

// watched adds a change to a watch.
func (r *recorder) watched(watch string, c *change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Watches[watch] = append(r.history.Watches[watch], c)
}

// fault notes what was done to the cluster.
func (r *recorder) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("%8.3fs %6d operations: ", time.Since(r.began).Seconds(), r.ended.Load()) + fmt.Sprintf(format, args...)
	r.history.Faults = append(r.history.Faults, line)
	r.say("%s", line)
}

// failure counts an error that a client got.
func (r *recorder) failure(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codes[status.Code(err)]++
}

// code is how often clients got it.
func (r *recorder) code(c codes.Code) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.codes[c]
}

// finish returns the history. Nothing must be recorded any more.
func (r *recorder) finish() *history {
	h := &r.history
	h.byID = map[int64]*operation{}
	for _, o := range h.Operations {
		h.byID[o.ID] = o
	}
	return h
}

// save writes the history to a directory, one JSON value a line.
func (h *history) save(dir string) error {
	f, err := os.Create(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	enc := json.NewEncoder(f)
	for _, line := range h.Faults {
		if err := enc.Encode(map[string]string{"Fault": line}); err != nil {
			return err
		}
	}
	for _, o := range h.Operations {
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	for name, changes := range h.Watches {
		for _, c := range changes {
			if err := enc.Encode(map[string]any{"Watch": name, "Change": c}); err != nil {
				return err
			}
		}
	}
	return f.Close()
}
