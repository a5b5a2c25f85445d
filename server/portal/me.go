package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/session"
)

// GetMe returns who calls. How far the installation is open is what the engine says
// of a person, and the role of the key of an operator.
func (s *sessionService) GetMe(ctx context.Context, _ *portalv1.GetMeRequest) (*portalv1.GetMeResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	c := v.caller
	resp := &portalv1.GetMeResponse{
		Portal: true, Build: s.config.Build, Node: s.config.Node, ReadOnly: s.readOnly(), ReadAt: v.token(),
		Workbench: portalv1.GetMeResponse_ACCESS_NONE, Operations: portalv1.GetMeResponse_ACCESS_NONE,
	}
	if !c.Expires.IsZero() {
		resp.ExpiresAt = timestamppb.New(c.Expires)
	}
	switch {
	case c.Operator != "":
		resp.Operator = c.Operator
		resp.Workbench = AccessOf(c.Role)
		resp.Operations = resp.Workbench
		return resp, nil
	case c.User == "":
		return nil, v.nobody()
	}
	return resp, v.describeMe(ctx, resp)
}

// AccessOf says how far the parts for operators are open to a role of the API.
func AccessOf(role string) portalv1.GetMeResponse_Access {
	switch role {
	case "read":
		return portalv1.GetMeResponse_ACCESS_READ
	case "write":
		return portalv1.GetMeResponse_ACCESS_WRITE
	case adminRole:
		return portalv1.GetMeResponse_ACCESS_ADMIN
	}
	return portalv1.GetMeResponse_ACCESS_NONE
}

// readOnly is why nothing can be changed at the moment.
func (p *Portal) readOnly() string {
	if err := p.replica.Serving(); err != nil {
		return err.Error()
	}
	if !p.replica.Status().Ready {
		return "the cluster has no leader"
	}
	return ""
}

// describeMe fills in what a person is and may.
func (v *view) describeMe(ctx context.Context, resp *portalv1.GetMeResponse) error {
	c := v.caller
	var err error
	if resp.Person, err = v.someone(c.User); err != nil {
		return err
	}
	var of companyDoc
	if _, err = v.document(companyKey(c.Company), &of); err != nil {
		return err
	}
	resp.CompanyId, resp.CompanyName = c.Company, of.Name
	if resp.CompanyPermissions, err = v.allowed(ctx, v.company(), v.permissions("company")...); err != nil {
		return err
	}
	if resp.Services, err = v.serviceAccess(ctx); err != nil {
		return err
	}
	reach, err := v.reach(ctx, c.User)
	resp.Workbench = reachAccess[reach]
	resp.Operations = resp.Workbench
	return err
}

var reachAccess = [...]portalv1.GetMeResponse_Access{
	ReachNone:    portalv1.GetMeResponse_ACCESS_NONE,
	ReachObserve: portalv1.GetMeResponse_ACCESS_READ,
	ReachOperate: portalv1.GetMeResponse_ACCESS_ADMIN,
}

// permissions returns the names of the permissions of a type.
func (v *view) permissions(typeName string) []string {
	var names []string
	for _, r := range v.engine.Schema.Type(typeName).Members {
		if r.IsPermission() {
			names = append(names, r.Name)
		}
	}
	return names
}

// serviceAccess returns the subscriptions of which the caller has any permission.
func (v *view) serviceAccess(ctx context.Context) ([]*portalv1.ServiceAccess, error) {
	subs, err := collect(v.resources(subject(v.company(), ""), "subscription", "company"))
	if err != nil {
		return nil, err
	}
	names := v.permissions("subscription")
	var out []*portalv1.ServiceAccess
	for _, id := range subs {
		may, err := v.allowed(ctx, subscription(id), names...)
		if err != nil {
			return nil, err
		}
		if len(may) == 0 {
			continue
		}
		service, err := v.single(subscription(id), "service", "service")
		if err != nil {
			return nil, err
		}
		out = append(out, &portalv1.ServiceAccess{SubscriptionId: id, Service: serviceNumber(service), Permissions: may})
	}
	slices.SortFunc(out, func(a, b *portalv1.ServiceAccess) int { return int(a.Service) - int(b.Service) })
	return out, nil
}

// own makes an action one on what belongs to the caller himself.
func (v *view) own(ctx context.Context, a *action, name string) error {
	a.name = name
	if v.caller.User == "" {
		return v.nobody()
	}
	a.on, a.permission, a.target = v.company(), "sign_in", user(v.caller.User)
	return v.need(ctx, a.on, a.permission)
}

// inPerson refuses a token of a machine: what opens further doors is done by the
// person himself.
func (v *view) inPerson() error {
	if v.caller.Machine {
		return &Refusal{Fault: NotAllowed, Msg: "a token of a machine cannot do this: sign in with your password"}
	}
	return nil
}

// UpdateMe changes the caller's own name.
func (s *sessionService) UpdateMe(ctx context.Context, r *portalv1.UpdateMeRequest) (*portalv1.Written, error) {
	given, err := line("given_name", r.GivenName, 1, 100)
	if err != nil {
		return nil, err
	}
	surname, err := line("surname", r.Surname, 0, 100)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		if err := v.own(ctx, a, "user.rename"); err != nil {
			return err
		}
		key := userKey(v.caller.Company, v.caller.User)
		var u userDoc
		version, err := v.document(key, &u)
		if err != nil {
			return err
		}
		if a.unchanged = u.GivenName == given && u.Surname == surname; a.unchanged {
			return nil
		}
		a.before = map[string]any{"given_name": u.GivenName, "surname": u.Surname}
		u.GivenName, u.Surname = given, surname
		a.after = map[string]any{"given_name": u.GivenName, "surname": u.Surname}
		a.sentence = "changed the own name to " + u.name()
		a.document(at(version, put(key, u)))
		return nil
	})
}

// ChangePassword needs the present password, and ends all other sessions, and tokens of
// machines if that is asked for. Wrong ones count as failed attempts to sign in.
func (s *sessionService) ChangePassword(ctx context.Context, r *portalv1.ChangePasswordRequest) (*portalv1.Written, error) {
	c := CallerOf(ctx)
	if done, err := s.repeats(ctx); err != nil || done != nil { // the present password is another one now
		return done, err
	}
	who, err := s.myAccount(ctx)
	if err != nil {
		return nil, err
	}
	right, err := s.hasher.matches(ctx, r.Present, who.hash)
	if err != nil {
		return nil, err
	}
	if !right {
		if err := s.fail(ctx, who.email, who.policies); err != nil {
			return nil, err
		}
		return nil, invalid("present", "the present password is wrong")
	}
	password, err := s.newPassword(ctx, r.Password, who.email, who.policies)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		if err := errors.Join(v.own(ctx, a, "password.change"), v.inPerson()); err != nil {
			return err
		}
		now, version, err := v.password(c.Company, c.User)
		if err != nil {
			return err
		}
		if now.Hash != who.hash {
			return conflict("the password was changed meanwhile; sign in again")
		}
		a.document(at(version, seal(passwordKey(c.Company, c.User), password)))
		if err := v.forgive(a, who.email); err != nil {
			return err
		}
		e, err := v.endSessions(ctx, a, c.Company, c.User, c.Session, r.RevokeTokens)
		a.sentence = "changed the own password and " + e.String()
		return err
	})
}

// myAccount is the account of the caller.
func (p *Portal) myAccount(ctx context.Context) (*account, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if v.caller.User == "" {
		return nil, v.nobody()
	}
	if err := v.inPerson(); err != nil {
		return nil, err
	}
	var u userDoc
	if _, err := v.document(userKey(v.caller.Company, v.caller.User), &u); err != nil {
		return nil, err
	}
	return p.account(ctx, u.Email)
}

// ListMySessions returns the caller's sessions, the newest first.
func (s *sessionService) ListMySessions(ctx context.Context, _ *portalv1.ListMySessionsRequest) (*portalv1.ListSessionsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if v.caller.User == "" {
		return nil, v.nobody()
	}
	return v.sessionsOf(ctx, v.caller.User)
}

// sessionsOf returns the sessions of a user of the caller's company, and if he is not the
// caller his tokens of machines, the newest first. The caller must have looked whether he
// may see them.
func (v *view) sessionsOf(ctx context.Context, userID string) (*portalv1.ListSessionsResponse, error) {
	of := v.caller.Company
	all, err := session.Of(ctx, v.snap, of, userID)
	if err != nil {
		return nil, err
	}
	policies, _, err := v.policies(of)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *session.Session) int { return b.Begun.Compare(a.Begun) })
	resp := &portalv1.ListSessionsResponse{ReadAt: v.token()}
	for _, s := range all {
		switch {
		case v.portal.sessions.Over(s, policies.idle()):
			continue
		case s.Machine:
			if userID != v.caller.User {
				resp.Tokens = append(resp.Tokens, v.tokenMessage(s))
			}
			continue
		}
		resp.Sessions = append(resp.Sessions, &portalv1.Session{
			Id: s.ID, BegunAt: timestamppb.New(s.Begun), SeenAt: timestamppb.New(v.portal.sessions.Seen(s)), ExpiresAt: timestamppb.New(s.Expires),
			Address: s.Address, Agent: s.Agent, Current: s.ID == v.caller.Session, By: s.By,
		})
	}
	return resp, nil
}

// EndMySession ends one of the caller's sessions, or all but that of the call.
func (s *sessionService) EndMySession(ctx context.Context, r *portalv1.EndMySessionRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		if err := v.own(ctx, a, "session.end"); err != nil {
			return err
		}
		return v.planEnd(ctx, a, v.caller.User, r.Id, v.caller.Session)
	})
}

// planEnd plans the end of one session of a user of the caller's company, or of all
// but one when id is empty. Without that one it is about his tokens of machines too:
// nobody is to act as him any more.
func (v *view) planEnd(ctx context.Context, a *action, userID, id, but string) error {
	of := v.caller.Company
	if id == "" {
		e, err := v.endSessions(ctx, a, of, userID, but, but == "")
		a.unchanged = e.sessions+e.tokens == 0
		a.sentence = fmt.Sprintf("%s (%s)", e, v.person(userID))
		return err
	}
	if err := engine.CheckObjectID(id); err != nil {
		return invalid("id", "%v", err)
	}
	found, err := session.Get(v.snap, id)
	if err != nil {
		return err
	}
	if found == nil || found.User != userID || found.Company != of || found.Machine && but != "" {
		return notFound("session", id)
	}
	a.document(found.End()...)
	a.sentence = "ended a session of " + v.person(userID)
	if found.Machine {
		a.sentence = fmt.Sprintf("revoked the token “%s” of %s", found.Name, v.person(userID))
	}
	return nil
}

// SignOut ends the session of the call, or revokes the token that it came with.
func (s *sessionService) SignOut(ctx context.Context, _ *portalv1.SignOutRequest) (*portalv1.SignOutResponse, error) {
	c := CallerOf(ctx)
	if c.Session == "" {
		return nil, &Refusal{Fault: NotSignedIn, Msg: "nobody is signed in"}
	}
	written, err := s.act(ctx, func(v *view, a *action) error {
		a.name, a.system, a.quiet = "session.end", true, true
		found, err := session.Get(v.snap, c.Session)
		if err != nil {
			return err
		}
		if a.unchanged = found == nil; !a.unchanged {
			a.document(found.End()...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &portalv1.SignOutResponse{WrittenAt: written.WrittenAt}, nil
}
