// Package reload keeps something that is read from files, and reads it again when
// one of them changes: certificates, keys. It knows nothing of what is in them.
package reload

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// every is how often a file that is in use is looked at for changes.
const every = time.Second

// Value is something that is read from files, and read again when one of
// them changes. A change that cannot be read is logged, and the last good value
// stays. It is safe for concurrent use and starts no goroutine: whoever asks
// for the value after a while looks at the files.
type Value[T any] struct {
	files []string
	load  func() (T, error)
	log   *slog.Logger
	now   func() time.Time

	value atomic.Pointer[T]
	next  atomic.Int64 // Unix nanoseconds: when to look at the files again

	mu   sync.Mutex // held while the files are looked at
	seen []fileState
}

// fileState is what tells that a file has changed.
type fileState struct {
	modified time.Time
	size     int64
	failed   bool
}

// New reads the files for the first time; that must succeed. The error is load's.
func New[T any](log *slog.Logger, now func() time.Time, load func() (T, error), files ...string) (*Value[T], error) {
	r := &Value[T]{files: files, load: load, log: log, now: now, seen: look(files)}
	value, err := load()
	if err != nil {
		return nil, err
	}
	r.value.Store(&value)
	r.next.Store(now().Add(every).UnixNano())
	return r, nil
}

func look(files []string) []fileState {
	states := make([]fileState, len(files))
	for i, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			states[i].failed = true
			continue
		}
		states[i] = fileState{modified: info.ModTime(), size: info.Size()}
	}
	return states
}

// Get returns the newest good value.
func (r *Value[T]) Get() T {
	if now := r.now(); now.UnixNano() >= r.next.Load() && r.mu.TryLock() {
		defer r.mu.Unlock()
		r.next.Store(now.Add(every).UnixNano())
		r.refresh()
	}
	return *r.value.Load()
}

// refresh reads the files again if they changed. A set of files that is being
// replaced one by one may not fit together for a moment: it is tried again
// whenever one of them changes.
func (r *Value[T]) refresh() {
	states := look(r.files)
	changed := false
	for i := range states {
		changed = changed || states[i] != r.seen[i]
	}
	if !changed {
		return
	}
	r.seen = states
	value, err := r.load()
	if err != nil {
		r.log.Error("files have changed and cannot be used; what was read before stays in use", "files", r.files, "error", err)
		return
	}
	r.value.Store(&value)
	r.log.Info("files have changed and were read again", "files", r.files)
}
