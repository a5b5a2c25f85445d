package portal

import (
	"context"
	"fmt"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// CreateSubscriptionUser creates a user of the company and includes him, in one
// transaction.
func (s *subscriptionService) CreateSubscriptionUser(ctx context.Context, r *portalv1.CreateSubscriptionUserRequest) (*portalv1.CreateSubscriptionUserResponse, error) {
	d, err := newPerson(r.Email, r.GivenName, r.Surname)
	if err != nil {
		return nil, err
	}
	if err := d.details(r.JobTitle, r.ManagerEmail); err != nil {
		return nil, err
	}
	message, err := prose("message", r.Message, 0, maxNote)
	if err != nil {
		return nil, err
	}
	made := created{newID()}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		id := made.ID
		bought, _, err := v.findSubscription(r.Id)
		if err != nil {
			return err
		}
		a.service, a.target, a.called = bought.Service, user(id), d.name()
		sub := subscription(r.Id)
		if err := v.begin(ctx, a, "subscription.user.create", sub, "create_new_user"); err != nil {
			return err
		}
		if err := v.needs(ctx, a, sub, "include_user"); err != nil {
			return err
		}
		t := v.titles(a)
		if err := v.registers(a, t, id, d, false); err != nil {
			return err
		}
		if err := v.include(ctx, a, r.Id, subject(a.target, ""), r.Role); err != nil {
			return err
		}
		a.after = newcomer{d.Email, r.Role, message}
		a.sentence = fmt.Sprintf("created %s and included him in %s as %s", d.name(), v.called(sub), subscriptionRoleName(r.Role))
		return v.settle(ctx, a, t)
	})
	if err != nil {
		return nil, err
	}
	s.welcome(ctx, made.ID, message, written.again)
	return &portalv1.CreateSubscriptionUserResponse{UserId: made.ID, WrittenAt: written.WrittenAt, Audit: written.Audit}, nil
}

type newcomer struct {
	Email   string `json:"email"`
	Role    string `json:"role"`
	Message string `json:"message,omitempty"`
}
