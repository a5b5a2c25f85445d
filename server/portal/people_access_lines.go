package portal

import (
	"cmp"
	"context"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// inherits adds what follows from the lines: from an administrator's role, all
// subscriptions; from an owner's or viewer's in a subscription, all its workspaces.
func (l *listing) inherits(lines []accessLine) ([]accessLine, error) {
	subs, err := l.bought()
	if err != nil {
		return nil, err
	}
	above := slices.Clone(lines)
	for _, from := range above {
		if from.on.Type != "company" {
			continue
		}
		for _, s := range subs {
			line := l.inheritedLine(&from, subscription(s.id), "company", from.message.Role)
			line.sub = s.id
			lines = append(lines, line)
		}
	}
	for _, from := range slices.Clone(lines) {
		role := from.message.Role
		if from.on.Type != "subscription" || role == roleUser {
			continue
		}
		for _, row := range l.workspacesOf(from.on.ID) {
			line := l.inheritedLine(&from, engine.Object{Type: row.doc.Kind, ID: row.id}, "subscription", role)
			line.sub = from.on.ID
			if lines = append(lines, line); len(lines) > maxAccess {
				return lines, nil
			}
		}
	}
	return lines, nil
}

// workspacesOf returns the workspaces of a subscription by name.
func (l *listing) workspacesOf(sub string) []*workspaceRow {
	var rows []*workspaceRow
	for _, row := range l.directory.workspaces[l.caller.Company] {
		if row.doc.Subscription == sub {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *workspaceRow) int { return cmp.Or(cmp.Compare(a.search, b.search), cmp.Compare(a.id, b.id)) })
	return rows
}

// inheritedLine is a line that follows from another, which is about what the object
// belongs to by a relation.
func (l *listing) inheritedLine(from *accessLine, on engine.Object, relation, role string) accessLine {
	m := &portalv1.AccessLine{
		Resource: on.String(), ResourceName: l.called(on), Role: role, How: howInherited, Through: from.message.Through,
		InheritedFrom: from.on.String(),
	}
	m.Why = append([]*portalv1.Step{l.step(engine.Relationship{Resource: on, Relation: relation, Subject: subject(from.on, "")})}, from.message.Why...)
	return accessLine{on: on, works: from.works, message: m}
}

// judgeAccess asks the engine what the lines give, and what the caller may do with
// them.
func (l *listing) judgeAccess(ctx context.Context, userID string, lines []accessLine) error {
	services := map[string]portalv1.Service{}
	subs, err := l.bought()
	if err != nil {
		return err
	}
	for _, s := range subs {
		services[s.id] = serviceNumber(s.service)
	}
	var his, callers []question
	for i := range lines {
		line := &lines[i]
		m := line.message
		m.Service = services[line.sub]
		his = append(his, question{line.works, func() { m.Works = true }})
		for _, permission := range shownPermissions(line.on.Type) {
			his = append(his, question{asked{line.on, permission}, func() { m.Permissions = append(m.Permissions, permission) }})
		}
		for _, a := range lineActions(line) {
			callers = append(callers, question{asked{line.on, a.permission}, func() { m.Allowed = append(m.Allowed, a.name) }})
		}
	}
	if err := l.answer(ctx, userID, his); err != nil {
		return err
	}
	return l.answer(ctx, l.caller.User, callers)
}

// question is one permission that is asked for, and what to do if it is held.
type question struct {
	asked
	held func()
}

// answer asks many questions about one user.
func (v *view) answer(ctx context.Context, userID string, questions []question) error {
	all := make([]asked, len(questions))
	for i, q := range questions {
		all[i] = q.asked
	}
	holds, err := v.rights(ctx, userID, all)
	if err != nil {
		return err
	}
	for i, q := range questions {
		if holds[i] {
			q.held()
		}
	}
	return nil
}

// shownPermissions are the permissions on an object of a type that people know.
func shownPermissions(kind string) []string {
	switch kind {
	case "subscription":
		return subscriptionPermissions
	case "company":
		return companyPermissions
	}
	return workspacePermissions[kind]
}

// companyPermissions are those on a company.
var companyPermissions = []string{
	"sign_in", "list_users", "view_users_by_role", "create_user", "edit_user", "activate_user", "deactivate_user",
	"include_administrator", "remove_administrator", "manage_identity_providers", "manage_security_policies", "manage_groups", "read_audit",
}

// lineAction is what may be done with a line, and the permission that it takes.
type lineAction struct{ name, permission string }

// lineActions returns what can be done with a line: only a direct role is changed
// where it shows.
func lineActions(line *accessLine) []lineAction {
	if line.message.How != howDirect {
		return nil
	}
	switch line.on.Type {
	case "company":
		return []lineAction{{"remove", "remove_administrator"}}
	case "group":
		return []lineAction{{"remove", "manage"}}
	}
	return []lineAction{{"change", "change_user_role"}, {"remove", "remove_user"}}
}
