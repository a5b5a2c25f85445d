package portal

import (
	"context"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// maxAccess is how many lines an answer about the access of a person has.
const maxAccess = 1_000

// Ways by which somebody has a role.
const (
	howDirect    = "direct"
	howGroup     = "group"
	howInherited = "inherited"
)

// GetUserAccess says what a person has access to, and why: whoever may view users by
// role may ask about all, everybody about himself.
func (s *peopleService) GetUserAccess(ctx context.Context, r *portalv1.GetUserAccessRequest) (*portalv1.GetUserAccessResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.readsPerson(ctx, "user.access", "view_users_by_role", r.Id); err != nil {
		return nil, err
	}
	if _, err := l.personRow(r.Id); err != nil {
		return nil, err
	}
	lines, err := l.accessOf(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.GetUserAccessResponse{ReadAt: l.token(), More: len(lines) > maxAccess}
	lines = lines[:min(len(lines), maxAccess)]
	if err := l.judgeAccess(ctx, r.Id, lines); err != nil {
		return nil, err
	}
	for _, line := range lines {
		resp.Lines = append(resp.Lines, line.message)
	}
	return resp, nil
}

// accessLine is a line with what it is about.
type accessLine struct {
	on      engine.Object
	sub     string // id of the subscription that it belongs to; "": none
	works   asked  // what the person must have for the role to give anything
	message *portalv1.AccessLine
}

// belonging is the person himself, or something that he is in and that may have
// roles, with the relationships from it down to him.
type belonging struct {
	as  engine.Subject
	way []engine.Relationship
}

// belongings returns everything that a user is in, himself first. Each appears once,
// by one of the shortest ways.
func (v *view) belongings(userID string) ([]belonging, error) {
	out := []belonging{{as: subject(user(userID), "")}}
	seen := map[engine.Subject]bool{}
	for i := 0; i < len(out); i++ {
		b := out[i]
		for _, up := range []struct{ kind, relation, set string }{{"group", "direct_member", "member"}, {"job_title", "holder", "holder"}} {
			for id, err := range v.resources(b.as, up.kind, up.relation) {
				if err != nil {
					return nil, err
				}
				on := engine.Object{Type: up.kind, ID: id}
				as := subject(on, up.set)
				if seen[as] {
					continue
				}
				seen[as] = true
				way := append([]engine.Relationship{{Resource: on, Relation: up.relation, Subject: b.as}}, b.way...)
				out = append(out, belonging{as, way})
			}
		}
	}
	return out, nil
}

// accessOf returns what a person has access to: first what he holds himself, then
// what groups give him, then what follows from both. It is a little more than
// maxAccess at most.
func (l *listing) accessOf(ctx context.Context, userID string) ([]accessLine, error) {
	in, err := l.belongings(userID)
	if err != nil {
		return nil, err
	}
	var lines []accessLine
	for _, b := range in {
		more, err := l.rolesOf(&b)
		if err != nil {
			return nil, err
		}
		if lines = append(lines, more...); len(lines) > maxAccess || ctx.Err() != nil {
			return lines, ctx.Err()
		}
	}
	return l.inherits(lines)
}

// rolesOf returns the roles that one belonging has.
func (l *listing) rolesOf(b *belonging) ([]accessLine, error) {
	var lines []accessLine
	add := func(on engine.Object, relation, role string) error {
		line, err := l.accessLine(b, on, relation, role)
		if err == nil {
			lines = append(lines, line)
		}
		return err
	}
	if has, err := l.has(l.company(), "administrator", b.as); err != nil {
		return nil, err
	} else if has {
		if err := add(l.company(), "administrator", "administrator"); err != nil {
			return nil, err
		}
	}
	subs, err := l.bought()
	if err != nil {
		return nil, err
	}
	for _, s := range subs {
		role, err := l.subscriptionRole(s.id, b.as)
		if err != nil {
			return nil, err
		}
		if role == "" {
			continue
		}
		relation := role
		if role == roleUser {
			relation = "participant"
		}
		if err := add(subscription(s.id), relation, role); err != nil {
			return nil, err
		}
	}
	for _, kind := range []string{"model", "project", "group"} {
		for _, role := range rolesOn(kind) {
			for id, err := range l.resources(b.as, kind, role) {
				if err != nil {
					return nil, err
				}
				if err := add(engine.Object{Type: kind, ID: id}, role, role); err != nil {
					return nil, err
				}
			}
		}
	}
	return lines, nil
}

// rolesOn returns the relations by which somebody has a place on an object.
func rolesOn(kind string) []string {
	if kind == "group" {
		return []string{"direct_member"}
	}
	return workspaceRoles[kind]
}

// accessLine makes the line of a role that a belonging has.
func (l *listing) accessLine(b *belonging, on engine.Object, relation, role string) (accessLine, error) {
	line := accessLine{on: on, message: &portalv1.AccessLine{Resource: on.String(), ResourceName: l.called(on), Role: role, How: howDirect}}
	var err error
	switch on.Type {
	case "company":
		line.works = asked{on, "admin"}
	case "subscription":
		line.sub, line.works = on.ID, asked{l.company(), "active_user"}
	case "group":
		line.works, line.message.Role = asked{on, "member"}, "member"
		line.sub, err = l.single(on, "subscription", "subscription")
	default:
		line.sub, err = l.single(on, "subscription", "subscription")
		line.works = asked{subscription(line.sub), "member"}
	}
	if err != nil {
		return line, err
	}
	for _, r := range append([]engine.Relationship{{Resource: on, Relation: relation, Subject: b.as}}, b.way...) {
		line.message.Why = append(line.message.Why, l.step(r))
	}
	if len(b.way) > 0 {
		line.message.How = howGroup
		line.message.Through, err = l.member(b.as)
	}
	return line, err
}
