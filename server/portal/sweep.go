package portal

import (
	"context"
	"strings"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const sweepBatch = 500 // documents in one transaction

// over tells of each kind of document that passes whether it is over.
var over = []struct {
	prefix string
	is     func(v *view, doc store.Document) (bool, error)
}{
	{attemptsPrefix, func(v *view, doc store.Document) (bool, error) {
		var d attemptsDoc
		err := decode(doc, &d)
		now := v.engine.Now
		return d.locked(now) == 0 && now.Sub(d.Last) > maxForget, err
	}},
	{linkPrefix, func(v *view, doc store.Document) (bool, error) {
		var d linkDoc
		if err := decode(doc, &d); err != nil {
			return false, err
		}
		var u userLinkDoc
		version, err := v.document(userLinkKey(d.Company, d.User), &u)
		return version == 0 || !v.engine.Now.Before(u.Expires), err
	}},
	{attemptPrefix, func(v *view, doc store.Document) (bool, error) {
		var d attemptDoc
		err := decode(doc, &d)
		return v.engine.Now.Sub(d.Begun) > attemptTime, err
	}},
	{repeatPrefix, func(v *view, doc store.Document) (bool, error) {
		var d repeatDoc
		err := decode(doc, &d)
		return v.engine.Now.Sub(d.At) > repeatTime, err
	}},
	{identityPrefix, func(v *view, doc store.Document) (bool, error) {
		parts := strings.Split(doc.Key[len(identityPrefix):], "/") // company, authenticator, ...
		if len(parts) < 2 {
			return true, nil
		}
		_, there, err := v.snap.Document(authenticatorKey(parts[0], parts[1]))
		return !there, err
	}},
}

// Sweep forgets failed attempts of long ago, links that have expired, sign-ins that
// nobody came back for, what named calls did some time ago, and whom authenticators knew that were deleted. Any member
// may do so at any time.
func (p *Portal) Sweep(ctx context.Context) error {
	v, err := p.readAt(ctx, replica.Consistency{Mode: replica.MinimizeLatency})
	if err != nil {
		return err
	}
	defer v.close()
	var gone []store.DocumentUpdate
	for _, kind := range over {
		for doc, err := range v.snap.Documents(ctx, kind.prefix, "") {
			if err != nil {
				return err
			}
			ended, err := kind.is(v, doc)
			if err != nil {
				return err
			}
			if ended {
				gone = append(gone, at(doc.Version, store.DocumentUpdate{Key: doc.Key}))
			}
		}
	}
	for len(gone) > 0 {
		n := min(len(gone), sweepBatch)
		_, err := p.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Actor: "portal", Documents: gone[:n]}})
		if err != nil && !overtaken(err) { // of what changed meanwhile the next round takes care
			return err
		}
		gone = gone[n:]
	}
	return nil
}
