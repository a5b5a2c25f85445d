package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// tries is how often an action is planned: each time but the first because
// somebody else changed what the plan before relied on.
const tries = 8

// action is one change that somebody makes, as a plan fills it in.
type action struct {
	// name says what is done: "workspace.access.change". on and permission are
	// what allows it: the guard of the transaction, and what the audit log says.
	name       string
	on         engine.Object
	permission string

	also []asked // further permissions that the caller must have

	target   engine.Object // what it is done to; the zero Object: on
	called   string        // its name; "": what the view calls it
	service  string        // id of the service it belongs to; "": none
	sentence string        // the whole, after the name of the actor: "made Anna Berg editor of the model “Claims”"

	before, after any // of what changed; nil: nothing

	company string // whose audit log gets the record; "": the caller's

	// system is an action of the portal itself, or of an operator with a key: it
	// has no guard, and the plan must have seen that it may be done.
	system bool

	// unchanged is set when there is nothing to do: nothing is written.
	unchanged bool

	// parts are what the action is made of when each part is recorded by itself;
	// empty: the action is one. take has what they do.
	parts []*action

	// quiet is an action without a record of its own: it is noted, or of no
	// interest to others.
	quiet bool

	tx store.Transaction
}

// take adds what another action does, and what that takes.
func (a *action) take(part *action) {
	a.also = append(a.also, part.also...)
	a.tx.Preconditions = append(a.tx.Preconditions, part.tx.Preconditions...)
	a.tx.DocumentPreconditions = append(a.tx.DocumentPreconditions, part.tx.DocumentPreconditions...)
	a.tx.Guards = append(a.tx.Guards, part.tx.Guards...)
	a.tx.Updates = append(a.tx.Updates, part.tx.Updates...)
	a.tx.Documents = append(a.tx.Documents, part.tx.Documents...)
}

// must makes the transaction depend on a permission of a user: what must hold, or
// must not.
func (a *action) must(userID string, on engine.Object, permission string, hold bool) {
	a.tx.Guards = append(a.tx.Guards, store.Guard{Resource: on, Permission: permission, Subject: subject(user(userID), ""), Must: hold})
}

// relation adds an update of one relationship.
func (a *action) relation(op store.Op, on engine.Object, relation string, s engine.Subject) {
	a.tx.Updates = append(a.tx.Updates, store.Update{Op: op, Relationship: engine.Relationship{Resource: on, Relation: relation, Subject: s}})
}

// document adds updates of documents.
func (a *action) document(updates ...store.DocumentUpdate) {
	a.tx.Documents = append(a.tx.Documents, updates...)
}

// relies makes the transaction depend on the version of a document that it does
// not write.
func (a *action) relies(key string, version store.Revision) {
	a.tx.DocumentPreconditions = append(a.tx.DocumentPreconditions, store.DocumentPrecondition{Key: key, Version: version})
}

// stored makes the transaction depend on whether a relationship is stored.
func (a *action) stored(on engine.Object, relation string, s engine.Subject, there bool) {
	rel := s.Relation
	a.tx.Preconditions = append(a.tx.Preconditions, store.Precondition{MustMatch: there, Filter: store.Filter{
		ResourceType: on.Type, ResourceID: on.ID, Relation: relation,
		Subject: &store.SubjectFilter{Type: s.Type, ID: s.ID, Relation: &rel},
	}})
}

// act makes a change: plan looks at the newest state, refuses or fills in the
// action, and the transaction is written only if the caller has the permission at
// the revision at which it is. When the transaction is refused because the state
// is not what the plan saw, it is planned again on the state of now, so that a
// refusal is always one of the plan's.
//
// plan must have no effects and take everything from the view.
func (p *Portal) act(ctx context.Context, plan func(v *view, a *action) error) (*portalv1.Written, error) {
	done, err := p.answer(ctx, nil, plan)
	return done.Written, err
}

// outcome is what became of an action. Written is nil when there was an error.
type outcome struct {
	*portalv1.Written
	again bool // it was done before: the call is a repetition, and nothing is planned
}

// answer is act for a call that answers more than that it was done: the plan, and
// nothing else, fills in what answer points to, which a repetition finds filled in as
// the first call did.
func (p *Portal) answer(ctx context.Context, answer any, plan func(v *view, a *action) error) (outcome, error) {
	var err error
	for range tries {
		var done outcome
		var more bool
		if done, more, err = p.attempt(ctx, answer, plan); !more {
			return done, err
		}
	}
	return outcome{}, conflict("others keep changing the same thing; look at it again and repeat (%v)", err)
}

// attempt plans and proposes once. more is whether another plan may succeed.
func (p *Portal) attempt(ctx context.Context, answer any, plan func(v *view, a *action) error) (done outcome, more bool, err error) {
	v, err := p.readAt(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return outcome{}, false, err
	}
	defer v.close()
	before, err := v.repeated()
	if err != nil {
		return outcome{}, false, err
	}
	if before.same(v.caller) {
		written, err := v.answered(before, answer)
		return outcome{written, true}, false, err
	}
	a := &action{}
	if err := plan(v, a); err != nil {
		p.refused(ctx, a, err)
		return outcome{}, false, err
	}
	if !a.system {
		if err := v.needAll(ctx, a); err != nil {
			p.refused(ctx, a, err)
			return outcome{}, false, err
		}
	}
	if a.unchanged {
		return outcome{Written: &portalv1.Written{WrittenAt: v.token()}}, false, nil
	}
	if err := v.remembers(a, before, answer); err != nil {
		return outcome{}, false, err
	}
	if err := v.seal(ctx, a); err != nil {
		return outcome{}, false, err
	}
	result, err := p.replica.Propose(ctx, replica.Proposal{Tx: a.tx, Identity: v.caller.actor(), RequestID: v.caller.RequestID})
	if err != nil {
		return outcome{}, overtaken(err), err
	}
	done.Written = &portalv1.Written{WrittenAt: &v1.ZedToken{Token: result.Token}}
	if len(result.Records) > 0 {
		done.Audit = result.Records[0]
	}
	return done, false, nil
}

// needAll refuses a caller who lacks one of the permissions of an action.
func (v *view) needAll(ctx context.Context, a *action) error {
	for _, q := range append([]asked{{a.on, a.permission}}, a.also...) {
		if err := v.need(ctx, q.on, q.permission); err != nil {
			return err
		}
	}
	return nil
}

// seal makes the plan a transaction: guards, record, and who wrote it.
func (v *view) seal(ctx context.Context, a *action) error {
	if !a.system {
		a.must(v.caller.User, a.on, a.permission, true)
		for _, q := range a.also {
			a.must(v.caller.User, q.on, q.permission, true)
		}
	}
	parts := a.parts
	if len(parts) == 0 && !a.quiet {
		parts = []*action{a}
	}
	for _, part := range parts {
		record, err := v.record(ctx, part)
		if err != nil {
			return err
		}
		a.tx.Records = append(a.tx.Records, record)
	}
	a.tx.Actor = v.caller.actor()
	a.tx.Metadata = map[string]any{"action": a.name, "request_id": v.caller.RequestID}
	return nil
}

// record is the entry of an action in the audit log of its company.
func (v *view) record(ctx context.Context, a *action) (store.ChainRecord, error) {
	of := a.company
	if of == "" {
		of = v.caller.Company
	}
	if a.target.Type == "" {
		a.target = a.on
	}
	if a.called == "" {
		a.called = v.called(a.target)
	}
	r := v.entry(a.name, a.target.String(), a.called)
	r.Service, r.Sentence, r.Result = a.service, a.sentence, resultAllowed
	var err error
	if r.Before, err = asJSON(a.before); err != nil {
		return store.ChainRecord{}, err
	}
	if r.After, err = asJSON(a.after); err != nil {
		return store.ChainRecord{}, err
	}
	if !a.system {
		r.Permission = a.on.String() + "#" + a.permission
		if r.Why, err = v.why(ctx, v.caller.User, a.on, a.permission); err != nil {
			return store.ChainRecord{}, err
		}
	}
	return r.chained(of)
}

func asJSON(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("what changed cannot be written as JSON: %w", err)
	}
	return text, nil
}

// overtaken reports whether a transaction was refused because the state is not
// what its plan saw.
func overtaken(err error) bool {
	return fits[*store.DocumentVersionError](err) || fits[*store.GuardError](err) || fits[*store.PreconditionError](err) ||
		fits[*store.AlreadyExistsError](err) || fits[*store.ConstraintError](err)
}

func fits[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
