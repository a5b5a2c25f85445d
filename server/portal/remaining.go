package portal

import (
	"fmt"

	"github.com/pemba-authz/pemba/engine"
)

// A company keeps an active administrator, and each of its subscriptions an active
// owner (rule 12). Whoever takes such a role from somebody, or makes him inactive,
// names another holder in his transaction, who must still be active and hold the
// role when it is applied. Everybody who does so depends on what the others change:
// of two who would together take away the last two, one is refused.
//
// A company has one administrator's role and at most five subscriptions, so that
// six others are named at most, well below the guards of a transaction.

// another makes an action depend on an active holder of a role other than a user,
// and reports whether there is one.
func (v *view) another(a *action, on engine.Object, relation, userID string) (bool, error) {
	other, err := v.otherHolder(on, relation, userID)
	if err != nil || other == "" {
		return false, err
	}
	a.must(other, v.company(), "active_user", true)
	a.stored(on, relation, subject(user(other), ""), true)
	return true, nil
}

// otherHolder returns an active holder of a role other than a user, preferring the
// caller; "" for none.
func (v *view) otherHolder(on engine.Object, relation, userID string) (string, error) {
	if me := v.caller.User; me != "" && me != userID {
		has, err := v.has(on, relation, subject(user(me), ""))
		if err != nil {
			return "", err
		}
		if active, err := v.active(me); err != nil || has && active {
			return me, err
		}
	}
	for id, err := range v.subjects(on, relation, "user", "") {
		if err != nil {
			return "", err
		}
		if id == userID {
			continue
		}
		if active, err := v.active(id); err != nil || active {
			return id, err
		}
	}
	return "", nil
}

// lastRole is a role that somebody must have who is active.
type lastRole struct {
	on       engine.Object
	relation string
	what     string // "the only active administrator of the company"
	has      bool   // the user has it
	last     bool   // and nobody else who is active
}

// keptRoles returns the roles that must keep an active holder, with how a user
// stands to them, and makes an action (if it is not nil) depend on all that.
func (v *view) keptRoles(a *action, userID string) ([]lastRole, error) {
	roles := []lastRole{{on: v.company(), relation: "administrator", what: "the only active administrator of the company"}}
	subs, err := v.bought()
	if err != nil {
		return nil, err
	}
	for _, b := range subs {
		roles = append(roles, lastRole{on: subscription(b.id), relation: roleOwner, what: fmt.Sprintf("the only active owner of the subscription of %s", serviceName(b.service))})
	}
	if a == nil {
		a = &action{}
	}
	for i := range roles {
		r := &roles[i]
		if r.has, err = v.has(r.on, r.relation, subject(user(userID), "")); err != nil {
			return nil, err
		}
		if !r.has {
			a.stored(r.on, r.relation, subject(user(userID), ""), false)
			continue
		}
		ok, err := v.another(a, r.on, r.relation, userID)
		if err != nil {
			return nil, err
		}
		r.last = !ok
	}
	return roles, v.sameCompany(a)
}

// sameCompany makes an action depend on what the company has bought: each purchase
// writes its document.
func (v *view) sameCompany(a *action) error {
	var d companyDoc
	version, err := v.document(companyKey(v.caller.Company), &d)
	if err == nil {
		a.relies(companyKey(v.caller.Company), version)
	}
	return err
}
