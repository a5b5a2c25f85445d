package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// overseeing is the permission that lets one ask who has access to an object of a
// type.
var overseeing = map[string]string{
	"company": "list_users", "subscription": "list_users", "model": "share", "project": "share", "group": "manage",
}

// oversee reads an object of the caller's company and refuses whoever may not ask who
// has access to it.
func (v *view) oversee(ctx context.Context, text, permission string) (engine.Object, error) {
	if err := v.byPerson(); err != nil {
		return engine.Object{}, err
	}
	on, err := engine.ParseObject(text)
	if err != nil {
		return on, invalid("resource", "%v; it looks like model:ID", err)
	}
	key := ""
	switch c := v.caller.Company; on.Type {
	case "company":
		if on.ID == c {
			key = companyKey(c)
		}
	case "subscription":
		key = subscriptionKey(c, on.ID)
	case "model", "project":
		key = workspaceKey(c, on.ID)
	case "diagram":
		key = diagramKey(c, on.ID)
	case "group":
		key = groupKey(c, on.ID)
	default:
		return on, invalid("resource", "%.40q is none of company, subscription, model, project, diagram and group", on.Type)
	}
	if key == "" {
		return on, notFound(on.Type, on.ID)
	}
	if err := v.exists("resource", on.Type, on.ID, key); err != nil {
		return on, err
	}
	if _, err := engine.Resolve(v.engine.Schema, on.Type, permission); err != nil {
		return on, invalid("permission", "%v", err)
	}
	at := on
	if on.Type == "diagram" {
		model, err := v.single(on, "model", "model")
		if err != nil {
			return on, err
		}
		at = engine.Object{Type: "model", ID: model}
	}
	return on, v.need(ctx, at, overseeing[at.Type])
}

// ListAccessTo says who has a permission, and why.
func (s *auditService) ListAccessTo(ctx context.Context, r *portalv1.ListAccessToRequest) (*portalv1.ListAccessToResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, err := v.oversee(ctx, r.Resource, r.Permission)
	if err != nil {
		return nil, err
	}
	var rows []sorted[string]
	for found, err := range v.engine.LookupSubjects(ctx, on, r.Permission, "user", "", "") {
		if err != nil {
			return nil, err
		}
		if id := found.ID; id != engine.Wildcard {
			rows = append(rows, sorted[string]{strings.ToLower(v.person(id)), id, id})
		}
	}
	total := len(rows)
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListAccessToResponse{Page: v.page(next, total)}
	for _, id := range page {
		holder := &portalv1.AccessHolder{}
		if holder.Person, err = v.someone(id); err != nil {
			return nil, err
		}
		steps, err := v.why(ctx, id, on, r.Permission)
		if err != nil {
			return nil, err
		}
		holder.How = how(on, id, steps)
		if r.Why {
			holder.Why = steps
		}
		resp.Holders = append(resp.Holders, holder)
	}
	return resp, nil
}

// how says in a word by which kind of way somebody has a permission.
func how(on engine.Object, id string, steps []*portalv1.Step) string {
	out := "inherited"
	for _, s := range steps {
		if strings.HasPrefix(s.Subject, "group:") || strings.HasPrefix(s.Subject, "job_title:") {
			return "group"
		}
		if s.Resource == on.String() && s.Subject == "user:"+id {
			out = "direct"
		}
	}
	return out
}

// maxRemedies is how many ways to get a permission an explanation names.
const maxRemedies = 5

// Explain says whether a person has a permission, and why or why not. About oneself
// anybody may ask.
func (s *auditService) Explain(ctx context.Context, r *portalv1.ExplainRequest) (*portalv1.ExplainResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.need(ctx, v.company(), "sign_in"); err != nil {
		return nil, err
	}
	on, err := v.oversee(ctx, r.Resource, r.Permission)
	if fault, ok := err.(*Refusal); ok && fault.Fault == NotAllowed && r.UserId == v.caller.User {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if err := v.exists("user_id", "user", r.UserId, userKey(v.caller.Company, r.UserId)); err != nil {
		return nil, err
	}
	resp := &portalv1.ExplainResponse{ReadAt: v.token()}
	if resp.Why, err = v.why(ctx, r.UserId, on, r.Permission); err != nil {
		return nil, err
	}
	resp.Holds = len(resp.Why) > 0
	who := v.person(r.UserId)
	if resp.Holds {
		last := resp.Why[len(resp.Why)-1]
		resp.Sentence = fmt.Sprintf("%s has the permission %s on %s: %s.", who, r.Permission, v.called(on), last.Sentence)
		return resp, nil
	}
	resp.Sentence = fmt.Sprintf("%s has not the permission %s on %s.", who, r.Permission, v.called(on))
	return resp, v.remedies(ctx, resp, on, r.Permission, r.UserId)
}

// remedies says what would help against a refusal, and who can do it.
func (v *view) remedies(ctx context.Context, resp *portalv1.ExplainResponse, on engine.Object, permission, userID string) error {
	who := subject(user(userID), "")
	_, refusal, err := v.engine.Explain(ctx, on, permission, who)
	if err != nil {
		return err
	}
	found, err := v.engine.Remedies(ctx, on, permission, who, refusal, maxRemedies)
	if err != nil {
		return err
	}
	for _, remedy := range found {
		for _, change := range remedy {
			step := v.step(change.Relationship)
			if change.Remove {
				step.Sentence = "Not any more: " + step.Sentence
			}
			resp.Remedies = append(resp.Remedies, step)
		}
	}
	ids, err := v.grantorIDs(ctx, on)
	if err != nil {
		return err
	}
	for _, id := range ids {
		p, err := v.someone(id)
		if err != nil {
			return err
		}
		resp.Grantors = append(resp.Grantors, p)
	}
	return nil
}
