package portal

import (
	"context"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// A licence is used by every user who is included in a subscription, himself or
// through a group in it, once and whether he is active or not: so that neither
// activating somebody nor the order of two changes decides whether it is too many.
//
// seatsDoc counts them. Whatever changes who is included ends its plan with
// v.licences, which finds the subscriptions that the action is about, counts
// again, refuses what is beyond the licences, and makes the transaction depend on
// everything that was counted:
//
//   - each change of who is included writes the seats of the subscription;
//   - each change of what is in groups, and of which groups are included, writes
//     the company's group graph; a change of who holds a job title depends on it,
//     and writes the document of the title, on which whatever counts its holders
//     depends.

// licences completes a plan whose updates may change who is included in
// subscriptions: it must be the last step of the plan.
func (v *view) licences(ctx context.Context, a *action) error {
	w := &seating{view: v, action: a, pending: map[engine.Relationship]store.Op{}}
	for _, u := range a.tx.Updates {
		w.pending[u.Relationship.Key()] = u.Op
	}
	subs, err := w.affected()
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if err := w.seat(ctx, sub); err != nil {
			return err
		}
	}
	return nil
}

// seating counts who will be included once an action is done.
type seating struct {
	*view
	action  *action
	pending map[engine.Relationship]store.Op
}

// affected returns the subscriptions whose users the action may change, sorted,
// and makes the action depend on the group graph where it plays a part.
func (w *seating) affected() ([]string, error) {
	var subs []string
	var groups []engine.Subject
	changes, depends := false, false
	for _, u := range w.action.tx.Updates {
		r := &u.Relationship
		switch {
		case r.Resource.Type == "subscription" && r.Relation == "participant":
			subs = append(subs, r.Resource.ID)
			changes = changes || r.Subject.Type == "group"
		case r.Resource.Type == "group" && r.Relation == "direct_member":
			groups = append(groups, subject(r.Resource, "member"))
			changes = true
		case r.Resource.Type == "job_title" && r.Relation == "holder":
			groups = append(groups, subject(r.Resource, "holder"))
			depends = true
		}
	}
	if err := w.graph(changes, depends); err != nil {
		return nil, err
	}
	above, err := w.above(groups)
	subs = append(subs, above...)
	slices.Sort(subs)
	return slices.Compact(subs), err
}

// graph writes the group graph or depends on it.
func (w *seating) graph(changes, depends bool) error {
	key := groupGraphKey(w.caller.Company)
	written := slices.ContainsFunc(w.action.tx.Documents, func(u store.DocumentUpdate) bool { return u.Key == key })
	if written || !changes && !depends {
		return nil
	}
	var d groupGraphDoc
	version, err := w.document(key, &d)
	if err != nil {
		return err
	}
	if !changes {
		w.action.relies(key, version)
		return nil
	}
	d.Changes++
	w.action.document(at(version, put(key, d)))
	return nil
}

// above returns the subscriptions in which the groups, or groups that they are in,
// are included or will be.
func (w *seating) above(groups []engine.Subject) ([]string, error) {
	var subs []string
	seen := map[engine.Subject]bool{}
	for len(groups) > 0 {
		g := groups[len(groups)-1]
		groups = groups[:len(groups)-1]
		if seen[g] {
			continue
		}
		seen[g] = true
		for key := range w.pending {
			if key.Subject == g && key.Relation == "direct_member" {
				groups = append(groups, subject(key.Resource, "member"))
			}
		}
		parents, err := collect(w.resources(g, "group", "direct_member"))
		if err != nil {
			return nil, err
		}
		for _, id := range parents {
			groups = append(groups, subject(group(id), "member"))
		}
		if g.Type != "group" {
			continue
		}
		in, err := collect(w.resources(g, "subscription", "participant"))
		if err != nil {
			return nil, err
		}
		subs = append(subs, in...)
	}
	return subs, nil
}

// seat counts the users of one subscription and refuses too many.
func (w *seating) seat(ctx context.Context, sub string) error {
	of := w.caller.Company
	var bought subscriptionDoc
	version, err := w.document(subscriptionKey(of, sub), &bought)
	if err != nil {
		return err
	}
	var before seatsDoc
	counted, err := w.document(seatsKey(of, sub), &before)
	if err != nil {
		return err
	}
	now, err := w.count(ctx, sub, before)
	if err != nil {
		return err
	}
	if now.Used > bought.Licences && now.Used > before.Used {
		free := max(int(bought.Licences)-int(before.Used), 0)
		return broken("19", "%s has %d licences, of which %d are free, and %d are needed; buy more, or remove users first",
			w.called(subscription(sub)), bought.Licences, free, now.Used-before.Used)
	}
	w.action.relies(subscriptionKey(of, sub), version)
	w.action.document(at(counted, put(seatsKey(of, sub), now)))
	return nil
}
