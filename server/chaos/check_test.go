//go:build linux

package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// objection is what a checker has against a history.
type objection struct {
	checker string
	text    string
}

// objections are collected by the checkers.
type objections []objection

// most is how many objections of one checker are kept: the rest says the same.
const most = 10

func (o *objections) add(checker, format string, args ...any) {
	n := 0
	for _, old := range *o {
		if old.checker == checker {
			n++
		}
	}
	if n < most {
		*o = append(*o, objection{checker, fmt.Sprintf(format, args...)})
	}
}

func (o objections) of(checker string) bool {
	return slices.ContainsFunc(o, func(x objection) bool { return x.checker == checker })
}

func (o objections) String() string {
	var b strings.Builder
	for _, x := range o {
		fmt.Fprintf(&b, "%s: %s\n", x.checker, x.text)
	}
	return b.String()
}

// check has a history judged by everybody. Its tokens must be resolved.
func (h *history) check() objections {
	var o objections
	h.checkErrors(&o)
	log := h.checkWatches(&o)
	h.checkAcknowledged(&o, log)
	h.checkFresh(&o, log)
	h.checkTokens(&o)
	h.checkHashes(&o)
	h.checkLinear(&o, log)
	return o
}

// checkErrors objects to answers that nothing explains.
func (h *history) checkErrors(o *objections) {
	for _, op := range h.Operations {
		if op.Strange {
			o.add("errors", "%v: no fault explains it", op)
		}
	}
}

// checkHashes objects to members with different states at the same revision.
func (h *history) checkHashes(o *objections) {
	hashes := map[uint64]*pembav1.MemberHash{} // the first of each revision
	for _, resp := range h.Hashes {
		for _, m := range resp.Hashes {
			first := hashes[m.Revision]
			switch {
			case m.Hash == "":
			case first == nil:
				hashes[m.Revision] = m
			case first.Hash != m.Hash:
				o.add("hashes", "at revision %d, member %s has the state %s and member %s has %s", m.Revision, first.Id, first.Hash, m.Id, m.Hash)
			}
		}
	}
}

// resolve asks nodes for the revisions of all tokens.
func (h *history) resolve(ctx context.Context, c *cluster) error {
	revisions := map[string]uint64{}
	for _, op := range h.Operations {
		revisions[op.At], revisions[op.Token] = 0, 0
	}
	for _, changes := range h.Watches {
		for _, ch := range changes {
			revisions[ch.Token] = 0
		}
	}
	delete(revisions, "")
	tokens := make(chan string, len(revisions))
	for token := range revisions {
		tokens <- token
	}
	close(tokens)
	var mu sync.Mutex
	var fault error
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for token := range tokens {
				rev, err := c.clients[i%len(c.clients)].revision(ctx, token)
				mu.Lock()
				if revisions[token] = rev; err != nil && fault == nil {
					fault = fmt.Errorf("resolving the token %q: %w", token, err)
				}
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	for _, op := range h.Operations {
		op.at, op.asked = revisions[op.At], revisions[op.Token]
	}
	for _, changes := range h.Watches {
		for _, ch := range changes {
			ch.at = revisions[ch.Token]
		}
	}
	return fault
}

func (c *client) revision(ctx context.Context, token string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resp, err := c.ResolveRevision(ctx, &pembav1.ResolveRevisionRequest{Of: &pembav1.ResolveRevisionRequest_Token{Token: &v1.ZedToken{Token: token}}})
	return resp.GetRevision(), err
}

// String is an operation for people.
func (o *operation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "operation %d (client %d, node %d, %.3fs to %.3fs): %s %s", o.ID, o.Client, o.Node+1, o.Start.Seconds(), o.End.Seconds(), o.Act, o.Key)
	if o.write() {
		fmt.Fprintf(&b, " %q -> %q", o.Old, o.New)
	} else {
		fmt.Fprintf(&b, " %q %s", o.New, o.Mode)
		if o.asked != 0 {
			fmt.Fprintf(&b, " %d", o.asked)
		}
	}
	fmt.Fprintf(&b, ": %s", o.Result)
	if o.Answer != "" {
		fmt.Fprintf(&b, " %s", o.Answer)
	}
	if o.at != 0 {
		fmt.Fprintf(&b, " at revision %d", o.at)
	}
	if o.Error != "" {
		fmt.Fprintf(&b, " (%s)", o.Error)
	}
	return b.String()
}
