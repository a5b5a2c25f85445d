package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const attemptsPrefix = DocumentPrefix + "attempts/"

// attemptsKey is where failed attempts of an address are counted, whether somebody
// has it or not, so that a lockout says nothing about that.
func attemptsKey(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return attemptsPrefix + hex.EncodeToString(sum[:])
}

// attemptsDoc counts the failed attempts of an address (rule 18).
type attemptsDoc struct {
	Count uint32    `json:"count"`
	Last  time.Time `json:"last"`
	Until time.Time `json:"until,omitzero"` // locked out
}

// locked returns how long an address is locked out yet.
func (d *attemptsDoc) locked(now time.Time) time.Duration { return max(0, d.Until.Sub(now)) }

// failed counts one more failure.
func (d *attemptsDoc) failed(now time.Time, policies *policiesDoc) {
	if now.Sub(d.Last) >= policies.forget() {
		d.Count = 0
	}
	d.Count, d.Last = d.Count+1, now
	if d.Count >= policies.Failures {
		d.Count, d.Until = 0, now.Add(policies.lockout())
	}
}

// lockedOut refuses any further attempt for now.
func lockedOut(wait time.Duration) error {
	minutes := (wait + time.Minute - 1) / time.Minute
	return &Refusal{Fault: Locked, RetryAfter: wait, Msg: fmt.Sprintf("too many attempts failed for this address: try again in %d min", minutes)}
}

// attempts returns the failed attempts of an address.
func (v *view) attempts(email string) (*attemptsDoc, store.Revision, error) {
	var d attemptsDoc
	version, err := v.document(attemptsKey(email), &d)
	return &d, version, err
}

// fail counts a failed attempt of an address. It returns the refusal of whoever came
// when the address was locked out already: his attempt told him nothing.
func (p *Portal) fail(ctx context.Context, email string, policies *policiesDoc) error {
	for range tries {
		again, err := p.tryFail(ctx, email, policies)
		if !again {
			return err
		}
	}
	return conflict("many attempts are made for this address at the same time; try again")
}

func (p *Portal) tryFail(ctx context.Context, email string, policies *policiesDoc) (again bool, err error) {
	v, err := p.readAt(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return false, err
	}
	defer v.close()
	d, version, err := v.attempts(email)
	if err != nil {
		return false, err
	}
	if wait := d.locked(v.engine.Now); wait > 0 {
		return false, lockedOut(wait)
	}
	d.failed(v.engine.Now, policies)
	tx := store.Transaction{Actor: "portal", Documents: []store.DocumentUpdate{at(version, seal(attemptsKey(email), d))}}
	_, err = p.replica.Propose(ctx, replica.Proposal{Tx: tx, RequestID: v.caller.RequestID})
	return overtaken(err), err
}

// strangerPolicies are the policies by which the attempts of an address that nobody
// has are counted: those of a company, the same one each time for addresses of one
// domain, so that the number of attempts does not tell who exists.
func (p *Portal) strangerPolicies(ctx context.Context, email string) (*policiesDoc, error) {
	l, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	ids := make([]string, 0, len(l.directory.companies))
	for id := range l.directory.companies {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return defaultPolicies, nil
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(domainOf(email)))
	policies, _, err := l.policies(ids[int(sum[0])%len(ids)])
	return policies, err
}

// domainOf returns what follows the @ of an address, in lower case.
func domainOf(email string) string {
	return strings.ToLower(email[strings.LastIndexByte(email, '@')+1:])
}
