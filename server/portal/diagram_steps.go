package portal

import (
	"context"
	"fmt"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// step plans one step of a diagram: what a permission allows, in the state that
// change looks at.
func (s *diagramService) step(ctx context.Context, id, name, permission, sentence string, change func(v *view, a *action, on engine.Object, d *diagramDoc) error) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission, a.service = name, permission, "modeler"
		on, d, version, err := v.findDiagram(id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		a.sentence = fmt.Sprintf("%s the diagram “%s”", sentence, d.Name)
		was := d
		if err := change(v, a, on, &d); err != nil {
			return err
		}
		if d != was {
			a.document(at(version, put(diagramKey(v.caller.Company, id), d)))
		} else {
			a.relies(diagramKey(v.caller.Company, id), version) // whether it is worked on offline
		}
		return nil
	})
}

// CheckOut takes the lock (rule 15).
func (s *diagramService) CheckOut(ctx context.Context, r *portalv1.CheckOutRequest) (*portalv1.Written, error) {
	return s.step(ctx, r.Id, "diagram.check_out", "check_out", "checked out", func(v *view, a *action, on engine.Object, d *diagramDoc) error {
		return v.lock(ctx, a, on, d, false)
	})
}

// WorkOffline takes the lock for work away from the network; not while the diagram
// is published (rule 15).
func (s *diagramService) WorkOffline(ctx context.Context, r *portalv1.WorkOfflineRequest) (*portalv1.Written, error) {
	return s.step(ctx, r.Id, "diagram.work_offline", "work_offline", "took for work offline", func(v *view, a *action, on engine.Object, d *diagramDoc) error {
		if err := v.need(ctx, on, "check_out"); err != nil {
			return err
		}
		if published, err := v.has(on, "published", everybody); err != nil || published {
			if err != nil {
				return err
			}
			return broken("15", "%s is published; unpublish it to work offline", v.called(on))
		}
		return v.lock(ctx, a, on, d, true)
	})
}

// lock plans that the caller takes a lock that nobody else has.
func (v *view) lock(ctx context.Context, a *action, on engine.Object, d *diagramDoc, offline bool) error {
	if err := v.need(ctx, on, a.permission); err != nil {
		return err
	}
	holder, err := v.single(on, "checked_out_by", "user")
	if err != nil {
		return err
	}
	switch holder {
	case "":
		v.relyOnNoLock(a, on)
		a.relation(store.Create, on, "checked_out_by", subject(user(v.caller.User), ""))
	case v.caller.User:
		a.unchanged = d.Offline == offline
	default:
		return broken("15", "%s is checked out by %s; an owner can force a check-in", v.called(on), v.person(holder))
	}
	d.CheckedOut, d.Offline = v.engine.Now, offline
	return nil
}

// CheckIn gives back the caller's own lock.
func (s *diagramService) CheckIn(ctx context.Context, r *portalv1.CheckInRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.service = "diagram.check_in", "modeler"
		on, d, version, err := v.findDiagram(r.Id)
		if err != nil {
			return err
		}
		// Whoever lost the right to edit still gives back what he holds.
		a.on, a.called, a.permission = on, d.Name, "checked_out_by"
		if err := v.needs(ctx, a, on, "view"); err != nil {
			return err
		}
		holder, err := v.single(on, "checked_out_by", "user")
		if err != nil {
			return err
		}
		if holder != v.caller.User {
			if holder == "" {
				return broken("15", "%s is not checked out", v.called(on))
			}
			return broken("15", "%s is checked out by %s, who alone checks it in; an owner can force it", v.called(on), v.person(holder))
		}
		a.sentence = fmt.Sprintf("checked in the diagram “%s”", d.Name)
		a.relation(store.Delete, on, "checked_out_by", subject(user(holder), ""))
		d.Offline = false
		a.document(at(version, put(diagramKey(v.caller.Company, r.Id), d)))
		return nil
	})
}

// ForceCheckIn gives the caller the lock of somebody else.
func (s *diagramService) ForceCheckIn(ctx context.Context, r *portalv1.ForceCheckInRequest) (*portalv1.Written, error) {
	return s.step(ctx, r.Id, "diagram.force_check_in", "force_check_in", "took over the lock of", func(v *view, a *action, on engine.Object, d *diagramDoc) error {
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		holder, err := v.single(on, "checked_out_by", "user")
		if err != nil {
			return err
		}
		switch holder {
		case "":
			return broken("15", "%s is not checked out; check it out", v.called(on))
		case v.caller.User:
			a.unchanged = true
			return nil
		}
		a.before = map[string]any{"checked_out_by": holder}
		a.after = map[string]any{"checked_out_by": v.caller.User}
		a.stored(on, "checked_out_by", subject(user(holder), ""), true)
		a.relation(store.Delete, on, "checked_out_by", subject(user(holder), ""))
		a.relation(store.Create, on, "checked_out_by", subject(user(v.caller.User), ""))
		d.CheckedOut, d.Offline = v.engine.Now, false
		return nil
	})
}

// Publish shows a diagram to every user of the subscription (rule 14).
func (s *diagramService) Publish(ctx context.Context, r *portalv1.PublishRequest) (*portalv1.Written, error) {
	return s.step(ctx, r.Id, "diagram.publish", "publish", "published", func(v *view, a *action, on engine.Object, d *diagramDoc) error {
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if d.Offline {
			return broken("15", "%s is being worked on offline; check it in first", v.called(on))
		}
		return v.turn(a, on, true)
	})
}

// Unpublish makes it a draft again.
func (s *diagramService) Unpublish(ctx context.Context, r *portalv1.UnpublishRequest) (*portalv1.Written, error) {
	return s.step(ctx, r.Id, "diagram.unpublish", "unpublish", "unpublished", func(v *view, a *action, on engine.Object, _ *diagramDoc) error {
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		return v.turn(a, on, false)
	})
}

// turn plans that a diagram is published, or is not.
func (v *view) turn(a *action, on engine.Object, publish bool) error {
	published, err := v.has(on, "published", everybody)
	if err != nil || published == publish {
		a.unchanged = err == nil
		return err
	}
	op := store.Create
	if !publish {
		op = store.Delete
	}
	a.stored(on, "published", everybody, published)
	a.relation(op, on, "published", everybody)
	return nil
}
