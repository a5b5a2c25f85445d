package portal

import (
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// workspace demands an owner (rule 12), one role for each (rule 9), and no group as
// owner (rule 10).
func (w *world) workspace(doc store.Document, of, id string) {
	var d workspaceDoc
	done(w.t, decode(doc, &d))
	on := engine.Object{Type: d.Kind, ID: id}
	roles := map[string]string{}
	for _, role := range workspaceRoles[d.Kind] {
		for r, err := range w.snap.Relationships(w.t.Context(), store.Filter{ResourceType: on.Type, ResourceID: id, Relation: role}, nil) {
			done(w.t, err)
			who := r.Subject.String()
			if roles[who] != "" {
				w.fault("%s is %s and %s of %s", who, roles[who], role, on)
			}
			roles[who] = role
			if role == roleOwner && r.Subject.Type != "user" {
				w.fault("%s owns %s", who, on)
			}
		}
	}
	owners, err := w.holders(on, roleOwner)
	done(w.t, err)
	if len(owners) == 0 {
		w.fault("%s has no owner", on)
	}
	diagrams, err := collect(w.resources(subject(on, ""), "diagram", "model"))
	done(w.t, err)
	var counted diagramsDoc
	if _, err := w.view.document(diagramsKey(of, id), &counted); err != nil || int(counted.Count) != len(diagrams) {
		w.fault("%s counts %d diagrams and has %d: %v", on, counted.Count, len(diagrams), err)
	}
	if in, err := w.single(on, "subscription", "subscription"); err != nil || in != d.Subscription {
		w.fault("%s is in %q and not in %q: %v", on, in, d.Subscription, err)
	}
}

// diagram demands that a diagram is in a model that exists, is checked out by one at
// most, and is not worked on offline while it is published (rule 15).
func (w *world) diagram(doc store.Document, of, id string) {
	var d diagramDoc
	done(w.t, decode(doc, &d))
	on := diagram(id)
	model, err := w.single(on, "model", "model")
	done(w.t, err)
	var m workspaceDoc
	if version, err := w.view.document(workspaceKey(of, model), &m); err != nil || version == 0 || model != d.Workspace {
		w.fault("%s is in the model %q, which is not there, and not in %q: %v", on, model, d.Workspace, err)
	}
	holders, err := w.holders(on, "checked_out_by")
	done(w.t, err)
	published, err := w.has(on, "published", everybody)
	done(w.t, err)
	switch {
	case len(holders) > 1:
		w.fault("%s is checked out by %v", on, holders)
	case d.Offline && len(holders) == 0:
		w.fault("%s is worked on offline by nobody", on)
	case d.Offline && published:
		w.fault("%s is published, and worked on offline", on)
	}
}

// atRest demands of the newest state that whoever has a role on a workspace is in its
// subscription, himself or by a group (rule 7). It holds when nobody is being removed:
// a removal clears what was given meanwhile in a second step.
func atRest(t testing.TB, p *Portal) {
	t.Helper()
	v, err := p.read(as(t, "acme", "nobody"))
	done(t, err)
	defer v.close()
	for doc, err := range v.snap.Documents(t.Context(), workspaceKey("acme", ""), "") {
		done(t, err)
		var d workspaceDoc
		done(t, decode(doc, &d))
		_, _, id := splitKey(doc.Key)
		for _, role := range workspaceRoles[d.Kind] {
			users, err := v.holders(engine.Object{Type: d.Kind, ID: id}, role)
			done(t, err)
			for _, u := range users {
				direct, err := v.has(subscription(d.Subscription), "participant", subject(user(u), ""))
				done(t, err)
				groups, err := v.groupsWith(t.Context(), d.Subscription, u)
				done(t, err)
				if !direct && len(groups) == 0 {
					t.Errorf("%s is %s of %s, and not in its subscription", u, role, d.Name)
				}
			}
		}
	}
}
