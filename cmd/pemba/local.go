package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

// openStore opens the store of --data-dir. Only a command that writes a schema
// makes a new one: any other word on an empty directory is a wrong directory.
func (a *app) openStore(create bool) (*store.Store, error) {
	if a.dataDir == "" {
		return nil, usagef("no store is named: give --data-dir DIR or set PEMBA_DATA_DIR")
	}
	if !create {
		switch entries, err := os.ReadDir(a.dataDir); {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
			return nil, fmt.Errorf("there is no store in %s: `pemba schema write FILE --data-dir %s` makes one", a.dataDir, a.dataDir)
		case err != nil:
			return nil, fmt.Errorf("data directory %s: %w", a.dataDir, err)
		}
	}
	size, err := parseSize(a.cacheSize)
	if err != nil {
		return nil, err
	}
	if a.retention < 0 {
		return nil, usagef("--retention %v: it cannot be negative", a.retention)
	}
	return store.Open(store.Config{
		Dir: a.dataDir, CacheBytes: size, Sync: true,
		Retention: a.retention, RetentionRevisions: a.retentionRevisions,
	})
}

// withStore runs f on the open store and closes it.
func (a *app) withStore(create bool, f func(*store.Store) error) error {
	st, err := a.openStore(create)
	if err != nil {
		return err
	}
	return errors.Join(f(st), st.Close())
}

// atFlag declares --at.
func atFlag(c *cobra.Command, at *uint64) {
	c.Flags().Uint64Var(at, "at", 0, "answer at this revision instead of the newest")
}

// withSnapshot runs f on the state at a revision, 0 meaning the newest.
func (a *app) withSnapshot(at uint64, f func(*store.Snapshot, *schema.Schema) error) error {
	return a.withStore(false, func(st *store.Store) error {
		snapshot, err := st.Snapshot(store.Revision(at))
		if err != nil {
			return err
		}
		defer snapshot.Close()
		s, err := snapshot.Schema()
		if err != nil {
			return err
		}
		return f(snapshot, s)
	})
}

// write applies one transaction at the next revision. It also lets go of the
// revisions that need no longer be kept.
func write(st *store.Store, tx store.Transaction) (*store.Outcome, error) {
	tx.Time = time.Now()
	floor, err := st.RetentionFloor(tx.Time)
	if err != nil {
		return nil, err
	}
	tx.Floor = floor
	return st.Apply(st.Head()+1, &tx)
}

// apply writes one transaction and prints what it did.
func (a *app) apply(st *store.Store, tx store.Transaction) error {
	out, err := write(st, tx)
	if err != nil {
		return err
	}
	return a.printOutcome(*out)
}

// outcomeData is a store.Outcome as data.
type outcomeData struct {
	Revision  store.Revision `json:"revision"`
	Created   int            `json:"created"`
	Touched   int            `json:"touched"`
	Deleted   int            `json:"deleted"`
	Unchanged int            `json:"unchanged"`
}

func (a *app) printOutcome(o store.Outcome) error {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{o.Created, "created"}, {o.Touched, "touched"}, {o.Deleted, "deleted"}, {o.Unchanged, "unchanged"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	text := fmt.Sprintf("revision %d", o.Revision)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return a.one([]string{"revision", "created", "touched", "deleted", "unchanged"}, item{
		text:  text,
		cells: []string{fmt.Sprint(o.Revision), strconv.Itoa(o.Created), strconv.Itoa(o.Touched), strconv.Itoa(o.Deleted), strconv.Itoa(o.Unchanged)},
		value: outcomeData{o.Revision, o.Created, o.Touched, o.Deleted, o.Unchanged},
	})
}

// newEngine is the engine of one question at one revision.
func newEngine(snapshot *store.Snapshot, s *schema.Schema, values map[string]any) engine.Engine {
	return engine.Engine{Schema: s, Reader: snapshot, Now: time.Now(), Context: values}
}

// sizeUnits are what a size may end with.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}, {"", 1}}

// parseSize reads "512MiB"; the empty text is a quarter of the memory.
func parseSize(text string) (int64, error) {
	if text == "" {
		return memoryBytes() / 4, nil
	}
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			break
		}
		if n == 0 {
			return -1, nil // no cache
		}
		return n * u.bytes, nil
	}
	return 0, usagef("--cache-size %s: a size is a number with KiB, MiB or GiB, such as 512MiB; 0 is no cache", text)
}

// memoryBytes returns how much memory the machine has, 1 GiB where it does not
// say.
func memoryBytes() int64 {
	const unknown = 1 << 30
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return unknown
	}
	defer func() { _ = f.Close() }() // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return unknown
}
