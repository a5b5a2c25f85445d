package portal

import (
	"context"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// count returns the seats as they will be. Users who are included themselves are
// counted by what changes: there may be very many.
func (w *seating) count(ctx context.Context, sub string, before seatsDoc) (seatsDoc, error) {
	now := before
	for key, op := range w.pending {
		if key.Resource != subscription(sub) || key.Relation != "participant" || key.Subject.Type != "user" {
			continue
		}
		had, err := w.has(key.Resource, key.Relation, key.Subject)
		switch {
		case err != nil:
			return now, err
		case had && op == store.Delete:
			now.Direct--
		case !had && op != store.Delete:
			now.Direct++
		}
	}
	groups, err := w.within(subscription(sub), "participant", "group", "member")
	if err != nil {
		return now, err
	}
	users, err := w.users(ctx, groups)
	if err != nil {
		return now, err
	}
	now.Used = now.Direct
	for id := range users {
		direct, err := w.holds(subscription(sub), "participant", subject(user(id), ""))
		if err != nil {
			return now, err
		}
		if !direct {
			now.Used++
		}
	}
	return now, nil
}

// users returns everybody who is in the groups or in groups in them, active or not.
func (w *seating) users(ctx context.Context, groups []string) (map[string]bool, error) {
	users, seen := map[string]bool{}, map[string]bool{}
	for len(groups) > 0 {
		id := groups[len(groups)-1]
		groups = groups[:len(groups)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, part := range []struct{ kind, relation string }{{"user", ""}, {"group", "member"}, {"job_title", "holder"}} {
			ids, err := w.within(group(id), "direct_member", part.kind, part.relation)
			if err != nil {
				return nil, err
			}
			if part.kind == "group" {
				groups = append(groups, ids...)
				continue
			}
			for _, id := range ids {
				if part.kind == "user" {
					users[id] = true
					continue
				}
				if err := w.dependsOnTitle(id); err != nil {
					return nil, err
				}
				holders, err := w.within(jobTitle(id), "holder", "user", "")
				if err != nil {
					return nil, err
				}
				for _, h := range holders {
					users[h] = true
				}
			}
		}
	}
	return users, nil
}

// dependsOnTitle makes the action depend on who holds a title: everybody who changes
// that writes its document. What the action writes itself, it depends on already.
func (w *seating) dependsOnTitle(id string) error {
	key := titleKey(w.caller.Company, id)
	if slices.ContainsFunc(w.action.tx.Documents, func(u store.DocumentUpdate) bool { return u.Key == key }) {
		return nil
	}
	var d titleDoc
	version, err := w.document(key, &d)
	if err == nil {
		w.action.relies(key, version)
	}
	return err
}

// within returns what a relation will hold.
func (w *seating) within(on engine.Object, relation, subjectType, subjectRelation string) ([]string, error) {
	ids, err := collect(w.subjects(on, relation, subjectType, subjectRelation))
	if err != nil {
		return nil, err
	}
	for key, op := range w.pending {
		if key.Resource != on || key.Relation != relation || key.Subject.Type != subjectType || key.Subject.Relation != subjectRelation {
			continue
		}
		i := slices.Index(ids, key.Subject.ID)
		switch {
		case i >= 0 && op == store.Delete:
			ids = slices.Delete(ids, i, i+1)
		case i < 0 && op != store.Delete:
			ids = append(ids, key.Subject.ID)
		}
	}
	return ids, nil
}

// holds reports whether a relationship will be stored.
func (w *seating) holds(on engine.Object, relation string, s engine.Subject) (bool, error) {
	if op, ok := w.pending[engine.Relationship{Resource: on, Relation: relation, Subject: s}]; ok {
		return op != store.Delete, nil
	}
	return w.has(on, relation, s)
}
