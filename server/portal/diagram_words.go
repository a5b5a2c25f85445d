package portal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of comments and audiences.
const (
	maxComment  = 4_000 // characters
	maxAudience = 100
)

type commentDoc struct {
	Author  string    `json:"author"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`
}

// mayComment refuses whoever may neither comment on a diagram nor view it.
func (v *view) mayComment(ctx context.Context, on engine.Object) error {
	if ok, err := v.may(ctx, on, "comment"); err != nil || ok {
		return err
	}
	return v.need(ctx, on, "view")
}

// ListComments returns what was said about a diagram.
func (s *diagramService) ListComments(ctx context.Context, r *portalv1.ListCommentsRequest) (*portalv1.ListCommentsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, _, _, err := v.findDiagram(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.mayComment(ctx, on); err != nil {
		return nil, err
	}
	var rows []sorted[commentDoc]
	prefix := commentPrefix(v.caller.Company, r.Id)
	for doc, err := range v.snap.Documents(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		var c commentDoc
		if err := decode(doc, &c); err != nil {
			return nil, err
		}
		rows = append(rows, sorted[commentDoc]{doc.Key[len(prefix):], "", c})
	}
	ids := make(map[commentDoc]string, len(rows))
	for _, row := range rows {
		ids[row.row] = row.key
	}
	total := len(rows)
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListCommentsResponse{Page: v.page(next, total)}
	for _, c := range page {
		author, err := v.someone(c.Author)
		if err != nil {
			return nil, err
		}
		resp.Comments = append(resp.Comments, &portalv1.Comment{Id: ids[c], Author: author, Text: c.Text, CreatedAt: timestamppb.New(c.Created)})
	}
	return resp, nil
}

// AddComment says something about a diagram.
func (s *diagramService) AddComment(ctx context.Context, r *portalv1.AddCommentRequest) (*portalv1.AddCommentResponse, error) {
	text, err := prose("text", r.Text, 1, maxComment)
	if err != nil {
		return nil, err
	}
	var made createdComment
	unique := newID()[:8]
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		a.name, a.permission, a.service = "diagram.comment", "comment", "modeler"
		on, d, _, err := v.findDiagram(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		now := v.engine.Now
		id := now.Format(sortableTime) + "-" + unique
		a.sentence = fmt.Sprintf("commented on the diagram “%s”", d.Name)
		c := v.caller.Company
		a.document(at(0, put(commentPrefix(c, r.Id)+id, commentDoc{v.caller.User, text, now})), put(commentedKey(c, r.Id), commentedDoc{id}))
		a.stored(on, "model", subject(engine.Object{Type: "model", ID: d.Workspace}, ""), true)
		made = createdComment{created{id}, now}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v, err := s.read(after(ctx, written.Written))
	if err != nil {
		return nil, err
	}
	defer v.close()
	author, err := v.someone(v.caller.User)
	return &portalv1.AddCommentResponse{
		Comment:   &portalv1.Comment{Id: made.ID, Author: author, Text: text, CreatedAt: timestamppb.New(made.At)},
		WrittenAt: written.WrittenAt, Audit: written.Audit,
	}, err
}

// createdComment is the answer of AddComment.
type createdComment struct {
	created
	At time.Time `json:"at"`
}

// SetAudience replaces the people and groups that a process names (rule 16). They
// are part of it: whoever may edit it names them, unless somebody else has checked
// it out (rule 15).
func (s *diagramService) SetAudience(ctx context.Context, r *portalv1.SetAudienceRequest) (*portalv1.Written, error) {
	if n := len(r.Members); n > maxAudience {
		return nil, invalid("members", "there are %d; at most %d are allowed", n, maxAudience)
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission, a.service = "diagram.audience", "check_out", "modeler"
		on, d, version, err := v.findDiagram(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if err := v.nobodyElseHolds(a, on); err != nil {
			return err
		}
		if r.IfVersion != 0 && store.Revision(r.IfVersion) != version {
			return conflict("the diagram was changed meanwhile; look at it again")
		}
		var w workspaceDoc
		if _, err := v.document(workspaceKey(v.caller.Company, d.Workspace), &w); err != nil {
			return err
		}
		wanted := map[engine.Subject]bool{}
		for i, m := range r.Members {
			who, err := v.named(ctx, a, fmt.Sprintf("members[%d]", i), m, subscription(w.Subscription))
			if err != nil {
				return err
			}
			wanted[who] = true
		}
		// Of two who name others at the same time the second replaces what the first
		// named, and does not add to it: both write the diagram.
		d.Changed, d.ChangedBy = v.engine.Now, v.caller.User
		a.document(at(version, put(diagramKey(v.caller.Company, r.Id), d)))
		return v.replaceAudience(a, on, wanted)
	})
}

// nobodyElseHolds refuses to change what somebody else has checked out, and makes
// the change depend on it.
func (v *view) nobodyElseHolds(a *action, on engine.Object) error {
	holder, err := v.single(on, "checked_out_by", "user")
	switch {
	case err != nil:
		return err
	case holder == "":
		v.relyOnNoLock(a, on)
		return nil
	case holder != v.caller.User:
		return broken("15", "%s is checked out by %s; an owner can force a check-in", v.called(on), v.person(holder))
	}
	a.stored(on, "checked_out_by", subject(user(holder), ""), true)
	return nil
}

// named reads somebody of a subscription whom a process names. Of a group the action
// depends on its staying one of the subscription.
func (v *view) named(ctx context.Context, a *action, field string, m *portalv1.Member, sub engine.Object) (engine.Subject, error) {
	who, err := v.asSubject(field, m)
	if err != nil {
		return who, err
	}
	var in bool
	switch who.Type {
	case "user":
		in, err = v.can(ctx, who.ID, sub, "member")
	case "group":
		if in, err = v.ofSubscription(sub, who.ID); err == nil && in {
			err = v.relyOnGroup(a, sub, who.ID)
		}
	default:
		return who, invalid(field, "a process names users and groups")
	}
	if err == nil && !in {
		err = broken("13", "%s is not in this subscription", v.called(who.Object))
	}
	return who, err
}

// replaceAudience plans the difference to those who are named now.
func (v *view) replaceAudience(a *action, on engine.Object, wanted map[engine.Subject]bool) error {
	var added, removed []string
	for _, kind := range []engine.Subject{subject(user(""), ""), subject(group(""), "member")} {
		for id, err := range v.subjects(on, "audience", kind.Type, kind.Relation) {
			if err != nil {
				return err
			}
			kind.ID = id
			if wanted[kind] {
				delete(wanted, kind)
				continue
			}
			removed = append(removed, v.called(kind.Object))
			a.relation(store.Delete, on, "audience", kind)
		}
	}
	for who := range wanted {
		added = append(added, v.called(who.Object))
		a.relation(store.Touch, on, "audience", who)
	}
	a.unchanged = len(added)+len(removed) == 0
	slices.Sort(added)
	a.sentence = "changed who is named in " + v.called(on)
	if len(removed) > 0 {
		a.before = map[string]any{"named": removed}
	}
	if len(added) > 0 {
		a.after = map[string]any{"named": added}
	}
	return nil
}
