package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// view is the state of one revision, as one caller asks about it. It must be
// closed. It belongs to one goroutine.
type view struct {
	portal *Portal
	snap   *replica.Snapshot
	engine engine.Engine
	caller *Caller

	// turned are users whom a plan that is only tried makes active or inactive.
	turned map[string]bool
}

// turns notes that a plan that is only tried makes a user active or inactive.
func (v *view) turns(id string, active bool) {
	if v.turned != nil {
		v.turned[id] = active
	}
}

// read returns the state that the caller of ctx may rely on: at least that of his
// token, or else all that was acknowledged anywhere. Without a leader it is what
// this node has, so that reading goes on.
func (p *Portal) read(ctx context.Context) (*view, error) {
	c := CallerOf(ctx)
	if c.AtLeast != "" {
		v, err := p.readAt(ctx, replica.Consistency{Mode: replica.AtLeastAsFresh, Token: c.AtLeast})
		if _, foreign := errors.AsType[*replica.TokenError](err); !foreign {
			return v, err
		}
	}
	return p.newest(ctx)
}

// newest returns all that was acknowledged anywhere, and without a leader what this
// node has.
func (p *Portal) newest(ctx context.Context) (*view, error) {
	v, err := p.readAt(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if _, ok := errors.AsType[*replica.UnavailableError](err); ok {
		return p.readAt(ctx, replica.Consistency{Mode: replica.MinimizeLatency})
	}
	return v, err
}

// readAt returns the state at a revision that is as fresh as asked for.
func (p *Portal) readAt(ctx context.Context, c replica.Consistency) (*view, error) {
	snap, err := p.replica.Snapshot(ctx, c)
	if err != nil {
		return nil, err
	}
	s, err := snap.Schema()
	if errors.Is(err, store.ErrNoSchema) || err == nil && s.Type("company") == nil {
		err = &replica.UnavailableError{Msg: "the portal is starting: its schema is not written yet", RetryAfter: installRetry}
	}
	if err != nil {
		snap.Close()
		return nil, err
	}
	return &view{portal: p, snap: snap, caller: CallerOf(ctx), engine: engine.Engine{Schema: s, Reader: snap, Now: p.now()}}, nil
}

func (v *view) close() { v.snap.Close() }

// token names the revision for clients.
func (v *view) token() *v1.ZedToken { return &v1.ZedToken{Token: v.snap.Token()} }

// page says which part of a list was given.
func (v *view) page(next string, total int) *portalv1.Page {
	return &portalv1.Page{
		Next: next, Total: uint64(total), ReadAt: v.token(), Revision: uint64(v.snap.Revision()),
		AsOf: timestamppb.New(v.engine.Now),
	}
}

// company is that of the caller.
func (v *view) company() engine.Object { return company(v.caller.Company) }

// can reports whether a user has a permission.
func (v *view) can(ctx context.Context, userID string, on engine.Object, permission string) (bool, error) {
	answer, err := v.engine.Check(ctx, on, permission, subject(user(userID), ""))
	return answer.State == engine.Yes, err
}

// may reports whether the caller has a permission.
func (v *view) may(ctx context.Context, on engine.Object, permission string) (bool, error) {
	if v.caller.User == "" {
		return false, nil
	}
	return v.can(ctx, v.caller.User, on, permission)
}

// asked is one permission of one object.
type asked struct {
	on         engine.Object
	permission string
}

// rights answers many questions about one user with shared work.
func (v *view) rights(ctx context.Context, userID string, questions []asked) ([]bool, error) {
	out := make([]bool, len(questions))
	if userID == "" {
		return out, nil
	}
	c := v.engine.Checker(ctx, subject(user(userID), ""))
	defer c.Release()
	for i, q := range questions {
		answer, err := c.Check(q.on, q.permission)
		if err != nil {
			return nil, err
		}
		out[i] = answer.State == engine.Yes
	}
	return out, nil
}

// allowed returns those of the permissions on an object that the caller has.
func (v *view) allowed(ctx context.Context, on engine.Object, permissions ...string) ([]string, error) {
	questions := make([]asked, len(permissions))
	for i, p := range permissions {
		questions[i] = asked{on, p}
	}
	holds, err := v.rights(ctx, v.caller.User, questions)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, p := range permissions {
		if holds[i] {
			out = append(out, p)
		}
	}
	return out, nil
}

// need refuses a caller who lacks a permission, and says who can give it.
func (v *view) need(ctx context.Context, on engine.Object, permission string) error {
	if v.caller.User == "" {
		return v.nobody()
	}
	ok, err := v.may(ctx, on, permission)
	if err != nil || ok {
		return err
	}
	return v.lacks(ctx, on, permission)
}

// nobody is the refusal of a caller who is no person.
func (v *view) nobody() error {
	if v.caller.Operator != "" {
		return &Refusal{Fault: NotAllowed, Msg: fmt.Sprintf("the key %.64q belongs to no company: sign in as a person", v.caller.Operator)}
	}
	return &Refusal{Fault: NotSignedIn, Msg: "nobody is signed in: sign in first"}
}

// lacks is the refusal of a caller who lacks a permission.
func (v *view) lacks(ctx context.Context, on engine.Object, permission string) error {
	r := &Refusal{Fault: NotAllowed, Resource: on, Permission: permission}
	people, err := v.grantors(ctx, on)
	if err != nil {
		return err
	}
	r.Msg = fmt.Sprintf("you lack the permission %s on %s", permission, v.called(on))
	switch {
	case on == installation:
		r.Msg += "; whoever runs the installation gives it"
	case len(people) > 0:
		r.Grantors = people
		r.Msg += "; ask " + enumerate(people, "or")
	}
	return r
}

// has reports whether a relationship is stored.
func (v *view) has(on engine.Object, relation string, s engine.Subject) (bool, error) {
	_, ok, err := v.snap.Find(on, relation, s)
	return ok, err
}

// subjects yields the ids of what has a type and relation in on#relation.
func (v *view) subjects(on engine.Object, relation, subjectType, subjectRelation string) iter.Seq2[string, error] {
	return pages(func(after string) ([]engine.Entry, bool, error) {
		return v.snap.Subjects(on, relation, subjectType, subjectRelation, after)
	})
}

// resources yields the ids of the objects of a type whose relation holds exactly
// the subject.
func (v *view) resources(s engine.Subject, resourceType, relation string) iter.Seq2[string, error] {
	return pages(func(after string) ([]engine.Entry, bool, error) {
		return v.snap.Resources(s, resourceType, relation, after)
	})
}

func pages(read func(after string) ([]engine.Entry, bool, error)) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		after := ""
		for {
			page, more, err := read(after)
			if err != nil {
				yield("", err)
				return
			}
			for _, e := range page {
				if !yield(e.ID, nil) {
					return
				}
				after = e.ID
			}
			if !more || len(page) == 0 {
				return
			}
		}
	}
}

// collect returns all ids of a sequence, sorted as they came.
func collect(ids iter.Seq2[string, error]) ([]string, error) {
	var out []string
	for id, err := range ids {
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// single returns the one subject of a relation that has at most one; "" for none.
func (v *view) single(on engine.Object, relation, subjectType string) (string, error) {
	for id, err := range v.subjects(on, relation, subjectType, "") {
		return id, err
	}
	return "", nil
}

// document reads the document of a key into value; its version is 0 when there is
// none.
func (v *view) document(key string, value any) (store.Revision, error) {
	doc, ok, err := v.snap.Document(key)
	if err != nil || !ok {
		return 0, err
	}
	if err := json.Unmarshal(doc.Value, value); err != nil {
		return 0, fmt.Errorf("document %q: %w", key, err)
	}
	return doc.Version, nil
}

// holders returns the users whom a relation holds directly, sorted by id.
func (v *view) holders(on engine.Object, relation string) ([]string, error) {
	ids, err := collect(v.subjects(on, relation, "user", ""))
	return slices.DeleteFunc(ids, func(id string) bool { return id == engine.Wildcard }), err
}
