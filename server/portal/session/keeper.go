package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const (
	// noteEvery is how often it is written that sessions were used.
	noteEvery = time.Minute
	// sweepEvery is how often sessions that are over are looked for.
	sweepEvery = time.Hour
	// batch is how many documents one transaction writes.
	batch = 500
)

// Config says what a Keeper stands on. Replica is required.
type Config struct {
	Replica *replica.Replica
	Logger  *slog.Logger     // nil: slog.Default()
	Now     func() time.Time // nil: time.Now

	// Beside returns what is written beside the use of a person's session; nil:
	// nothing.
	Beside func(company, user string, at time.Time) store.DocumentUpdate
}

// Keeper writes when sessions were used, at most once a minute for each, and
// forgets those that are over. It is safe for concurrent use.
type Keeper struct {
	config Config

	mu   sync.Mutex
	used map[string]use // by id; since the last write

	end     context.CancelFunc
	running sync.WaitGroup
}

type use struct {
	company, user string
	at            time.Time
}

// Open begins to keep sessions. The caller must Close the keeper before the replica.
func Open(c Config) *Keeper {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	k := &Keeper{config: c, used: map[string]use{}}
	ctx, end := context.WithCancel(context.Background())
	k.end = end
	k.running.Go(func() { k.run(ctx) })
	return k
}

// Close writes what was noted, and ends.
func (k *Keeper) Close() {
	k.end()
	k.running.Wait()
}

func (k *Keeper) now() time.Time { return k.config.Now().UTC().Truncate(time.Millisecond) }

// Use notes that a session is used now.
func (k *Keeper) Use(s *Session) {
	now := k.now()
	if now.Sub(s.Seen) < noteEvery {
		return
	}
	k.mu.Lock()
	k.used[s.ID] = use{s.Company, s.User, now}
	k.mu.Unlock()
}

// Over reports whether a session is over, with the longest time that it may be
// without use; 0: any. A machine's token has no such time.
func (k *Keeper) Over(s *Session, idle time.Duration) bool {
	now := k.now()
	if !now.Before(s.Expires) {
		return true
	}
	return !s.Machine && idle > 0 && now.Sub(k.Seen(s)) > idle
}

// Seen returns when a session was used last, as this member knows it.
func (k *Keeper) Seen(s *Session) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if u, ok := k.used[s.ID]; ok && u.at.After(s.Seen) {
		return u.at
	}
	return s.Seen
}

func (k *Keeper) run(ctx context.Context) {
	note, sweep := time.NewTicker(noteEvery), time.NewTicker(sweepEvery)
	defer note.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-note.C:
			k.warn(ctx, "it could not be written when sessions were used", k.Flush(ctx))
		case <-sweep.C:
			k.warn(ctx, "sessions that are over stay for now", k.Sweep(ctx))
		case <-ctx.Done():
			last, end := context.WithTimeout(context.Background(), time.Second)
			defer end()
			k.warn(last, "it could not be written when sessions were used", k.Flush(last))
			return
		}
	}
}

func (k *Keeper) warn(ctx context.Context, msg string, err error) {
	if err != nil && ctx.Err() == nil {
		k.config.Logger.Warn(msg, "error", err)
	}
}

// Flush writes when sessions were used. What cannot be written now stays noted.
func (k *Keeper) Flush(ctx context.Context) error {
	k.mu.Lock()
	used := k.used
	k.used = map[string]use{}
	k.mu.Unlock()
	var updates []store.DocumentUpdate
	people := map[[2]string]bool{} // a document is written once in a transaction
	for id, u := range used {
		updates = append(updates, store.DocumentUpdate{Key: seenKey(id), Class: store.ClassSealed, Value: text(seen{u.at})})
		if who := [2]string{u.company, u.user}; k.config.Beside != nil && u.user != "" && !people[who] {
			people[who] = true
			updates = append(updates, k.config.Beside(u.company, u.user, u.at))
		}
	}
	err := k.write(ctx, updates)
	if err == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, u := range used {
		if _, newer := k.used[id]; !newer {
			k.used[id] = u
		}
	}
	return err
}

// Sweep forgets sessions that have expired, and notes of sessions that are gone.
func (k *Keeper) Sweep(ctx context.Context) error {
	snap, err := k.config.Replica.Snapshot(ctx, replica.Consistency{Mode: replica.MinimizeLatency})
	if err != nil {
		return err
	}
	defer snap.Close()
	var updates []store.DocumentUpdate
	now := k.now()
	for doc, err := range snap.Documents(ctx, prefix, "") {
		if err != nil {
			return err
		}
		s := &Session{ID: doc.Key[len(prefix):]}
		if err := read(doc, &s.Record); err != nil {
			return err
		}
		if !now.Before(s.Expires) {
			updates = append(updates, s.End()...)
		}
	}
	for doc, err := range snap.Documents(ctx, seenPrefix, "") {
		if err != nil {
			return err
		}
		if _, ok, err := snap.Document(key(doc.Key[len(seenPrefix):])); err != nil {
			return err
		} else if !ok {
			updates = append(updates, store.DocumentUpdate{Key: doc.Key})
		}
	}
	return k.write(ctx, updates)
}

func (k *Keeper) write(ctx context.Context, updates []store.DocumentUpdate) error {
	var faults []error
	for len(updates) > 0 {
		n := min(len(updates), batch)
		if _, err := k.config.Replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Actor: "portal", Documents: updates[:n]}}); err != nil {
			faults = append(faults, err)
		}
		updates = updates[n:]
	}
	return errors.Join(faults...)
}
