package portal

import (
	"errors"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// diagram makes a diagram in a model.
func (o *office) diagram(by, model string) string {
	o.t.Helper()
	s := &diagramService{Portal: o.Portal}
	made, err := s.CreateDiagram(o.as(by), &portalv1.CreateDiagramRequest{WorkspaceId: model, Name: "Flow", Content: "<xml/>"})
	done(o.t, err)
	return made.Diagram.Id
}

func (o *office) checkOut(by, id string) error {
	_, err := (&diagramService{Portal: o.Portal}).CheckOut(o.as(by), &portalv1.CheckOutRequest{Id: id})
	return err
}

func (o *office) checkIn(by, id string) error {
	_, err := (&diagramService{Portal: o.Portal}).CheckIn(o.as(by), &portalv1.CheckInRequest{Id: id})
	return err
}

func (o *office) save(by, id string) error {
	_, err := (&diagramService{Portal: o.Portal}).Save(o.as(by), &portalv1.SaveRequest{Id: id, Content: "<xml>2</xml>"})
	return err
}

// TestRaceCheckOut has two people check out one diagram: one has it.
func TestRaceCheckOut(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	defer o.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return o.checkOut("uli", d) }, func() error { return o.checkOut("eli", d) }, func(uli bool) {
			holder, other := "uli", "eli"
			if !uli {
				holder, other = other, holder
			}
			refuses(t, o.checkIn(other, d), Rule, "15")
			done(t, o.save(holder, d))
			done(t, o.checkIn(holder, d))
		}
	})
}

// TestRacePublishAgainstOffline publishes a diagram while somebody takes it for work
// offline: never both.
func TestRacePublishAgainstOffline(t *testing.T) {
	o := newOffice(t)
	s := &diagramService{Portal: o.Portal}
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	defer o.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error {
				_, err := s.Publish(o.as("uli"), &portalv1.PublishRequest{Id: d})
				return err
			}, func() error {
				_, err := s.WorkOffline(o.as("eli"), &portalv1.WorkOfflineRequest{Id: d})
				return err
			}, func(published bool) {
				if published {
					_, err := s.Unpublish(o.as("uli"), &portalv1.UnpublishRequest{Id: d})
					done(t, err)
					return
				}
				done(t, o.checkIn("eli", d))
			}
	})
}

// TestRaceSaveAgainstDemotion has an editor with the lock save while he is made a
// contributor: he saves before it, or not at all.
func TestRaceSaveAgainstDemotion(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	done(t, o.checkOut("eli", d))
	defer o.everyRound()()
	beside(t, func() error { return o.save("eli", d) }, func() error { return o.give("uli", w, "eli", roleContributor, roleEditor) },
		func(err error) {
			if refusal(t, err).Fault != NotAllowed {
				t.Errorf("refused by something else: %v", err)
			}
		},
		func(bool) {
			if err := o.save("eli", d); err == nil {
				t.Error("a contributor saves")
			}
		},
		func() { done(t, o.give("uli", w, "eli", roleEditor, roleContributor)) })
}

// TestRaceSaveAgainstForce has the holder of the lock save while it is taken from him.
func TestRaceSaveAgainstForce(t *testing.T) {
	o := newOffice(t)
	s := &diagramService{Portal: o.Portal}
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	done(t, o.checkOut("eli", d))
	defer o.everyRound()()
	beside(t, func() error { return o.save("eli", d) }, func() error {
		_, err := s.ForceCheckIn(o.as("uli"), &portalv1.ForceCheckInRequest{Id: d})
		return err
	},
		func(err error) { refuses(t, err, Rule, "15") },
		func(bool) { refuses(t, o.save("eli", d), Rule, "15") },
		func() {
			done(t, o.checkIn("uli", d))
			done(t, o.checkOut("eli", d))
		})
}

// TestRaceCommentOnDeleted comments on a diagram that is deleted at the same moment,
// by itself or with its model: it is there before, and is deleted with it, or it is
// refused. Nothing that nobody reaches is left.
func TestRaceCommentOnDeleted(t *testing.T) {
	o := newOffice(t)
	diagrams, workspaces := &diagramService{Portal: o.Portal}, &workspaceService{Portal: o.Portal}
	for what, remove := range map[string]func(w, d string) error{
		"diagram": func(_, d string) error {
			_, err := diagrams.DeleteDiagram(o.as("uli"), &portalv1.DeleteDiagramRequest{Id: d})
			return err
		},
		"model": func(w, _ string) error {
			_, err := workspaces.DeleteWorkspace(o.as("uli"), &portalv1.DeleteWorkspaceRequest{Id: w})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := o.workspace("uli", "acme-modeler")
			d := o.diagram("uli", w)
			defer o.everyRound()()
			beside(t, func() error { return o.comment("uli", d) }, func() error { return remove(w, d) },
				func(err error) { refuses(t, err, NotFound, "") },
				func(bool) { o.leaves(t, "comment/", "commented/", "diagram/", "content/") },
				func() {
					w = o.workspace("uli", "acme-modeler")
					d = o.diagram("uli", w)
				})
		})
		o.clear(t)
	}
}

// TestRaceCommentOnDeleted_PlannedBefore deletes a diagram by a plan that was made
// before somebody commented on it.
func TestRaceCommentOnDeleted_PlannedBefore(t *testing.T) {
	o := newOffice(t)
	d := o.diagram("uli", o.workspace("uli", "acme-modeler"))
	for range 2 { // the first comment, and another
		v, err := o.read(o.as("uli"))
		done(t, err)
		a := &action{}
		done(t, v.dropDiagram(t.Context(), a, d))
		v.close()
		done(t, o.comment("uli", d))
		_, err = o.replica.Propose(t.Context(), replica.Proposal{Tx: a.tx})
		if !fits[*store.DocumentVersionError](err) {
			t.Errorf("deleted without the newest comment: %v", err)
		}
	}
}

func (o *office) comment(by, id string) error {
	_, err := (&diagramService{Portal: o.Portal}).AddComment(o.as(by), &portalv1.AddCommentRequest{Id: id, Text: "hm"})
	return err
}

// leaves fails when there are documents of the company under one of the prefixes.
func (o *office) leaves(t *testing.T, prefixes ...string) {
	t.Helper()
	v, err := o.read(o.as("ada"))
	done(t, err)
	defer v.close()
	for _, prefix := range prefixes {
		for doc, err := range v.snap.Documents(t.Context(), companyPrefix("acme")+prefix, "") {
			done(t, err)
			t.Errorf("%s is left", doc.Key)
		}
	}
}

// clear deletes every workspace of the company.
func (o *office) clear(t *testing.T) {
	t.Helper()
	v, err := o.read(o.as("ada"))
	done(t, err)
	defer v.close()
	prefix := workspaceKey("acme", "")
	for doc, err := range v.snap.Documents(t.Context(), prefix, "") {
		done(t, err)
		_, err := (&workspaceService{Portal: o.Portal}).DeleteWorkspace(o.as("ada"), &portalv1.DeleteWorkspaceRequest{Id: doc.Key[len(prefix):]})
		done(t, err)
	}
}

// TestRaceDiagramInDeleted creates a diagram in a model that is deleted at the same
// moment: nothing is left of it.
func TestRaceDiagramInDeleted(t *testing.T) {
	o := newOffice(t)
	diagrams, workspaces := &diagramService{Portal: o.Portal}, &workspaceService{Portal: o.Portal}
	w := o.workspace("uli", "acme-modeler")
	defer o.everyRound()()
	beside(t, func() error {
		_, err := diagrams.CreateDiagram(o.as("uli"), &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Flow"})
		return err
	}, func() error {
		_, err := workspaces.DeleteWorkspace(o.as("ada"), &portalv1.DeleteWorkspaceRequest{Id: w})
		return err
	},
		func(err error) { refuses(t, err, NotFound, "") },
		func(bool) { o.leaves(t, "diagram/") },
		func() { w = o.workspace("uli", "acme-modeler") })
}

// TestRaceAudience has two people name others in one diagram at the same moment: it
// names whom one of them named, and never both.
func TestRaceAudience(t *testing.T) {
	o := newOffice(t)
	s := &diagramService{Portal: o.Portal}
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	name := func(by, who string) func() error {
		return func() error {
			_, err := s.SetAudience(o.as(by), &portalv1.SetAudienceRequest{Id: d, Members: []*portalv1.Member{o.member(who)}})
			return err
		}
	}
	for round := range races {
		_, err := s.SetAudience(o.as("uli"), &portalv1.SetAudienceRequest{Id: d})
		done(t, err)
		errs := together(round%2 == 0, name("uli", "uli"), name("eli", "eli"))
		done(t, errors.Join(errs[:]...))
		got, err := s.GetDiagram(o.as("uli"), &portalv1.GetDiagramRequest{Id: d})
		done(t, err)
		if len(got.Diagram.Audience) != 1 {
			t.Fatalf("it names %v", got.Diagram.Audience)
		}
	}
	_, err := s.SetAudience(o.as("uli"), &portalv1.SetAudienceRequest{Id: d, IfVersion: 1})
	refuses(t, err, Conflict, "")
}
