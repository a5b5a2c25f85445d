package server

import (
	"github.com/maypok86/otter/v2"
)

// candidates are what a lookup found and has to check: *engine.ResourceCandidates
// or *engine.SubjectCandidates.
type candidates interface {
	Len() int
	Bytes() int64
}

// candidateCache keeps the candidates of lookups that are read page by page, so
// that not every page collects them. What it holds is exact: its key names the
// request, the revision and the time.
type candidateCache struct {
	held *otter.Cache[string, candidates]
}

// candidateCacheBytes bounds what the cache holds.
const candidateCacheBytes = 64 << 20

func newCandidateCache() (*candidateCache, error) {
	held, err := otter.New(&otter.Options[string, candidates]{
		MaximumWeight: candidateCacheBytes,
		Weigher: func(_ string, c candidates) uint32 {
			return uint32(min(c.Bytes()+256, candidateCacheBytes))
		},
	})
	return &candidateCache{held}, err
}

// candidatesOf returns the candidates of a lookup: those that an earlier page
// kept, or what find finds now, which is kept when there are more than this page
// takes.
func candidatesOf[C candidates](l *search, of *cursors, find func() (C, error)) (C, error) {
	key, resumed := string(of.head), l.request.GetOptionalCursor() != nil
	if resumed {
		if held, ok := l.candidates.held.GetIfPresent(key); ok {
			if found, ok := held.(C); ok {
				l.kept, l.cost.Candidates = true, found.Len()
				return found, nil
			}
		}
	}
	found, err := find()
	if err == nil && (resumed || l.limit > 0) && found.Len() > int(l.limit) {
		l.candidates.held.Set(key, found)
	}
	return found, err
}
