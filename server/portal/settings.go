package portal

import (
	"context"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// settingsService is pemba.portal.v1.SettingsService: this file has the policies,
// authenticators.go those who sign people in from outside, clients.go the portals
// of services that sign in through Pemba.
type settingsService struct {
	portalv1.UnimplementedSettingsServiceServer
	*Portal
}

// policiesDoc is the security policies of a company (rule 18).
type policiesDoc struct {
	Failures       uint32 `json:"failures"`
	LockoutMinutes uint32 `json:"lockout_minutes"`
	ForgetMinutes  uint32 `json:"forget_minutes"`
	LinkHours      uint32 `json:"link_hours"`
	IdleMinutes    uint32 `json:"idle_minutes"`
	SessionHours   uint32 `json:"session_hours"`
	PasswordLength uint32 `json:"password_length"`
	AuditDays      uint32 `json:"audit_days"`
}

// defaultPolicies are those of a company that chose none, and of whoever belongs to
// none.
var defaultPolicies = &policiesDoc{
	Failures: 5, LockoutMinutes: 15, ForgetMinutes: 30, LinkHours: 72, IdleMinutes: 60, SessionHours: 12, PasswordLength: 10,
}

// maxForget is the longest time after which failures may be forgotten.
const maxForget = 24 * time.Hour

func (d *policiesDoc) idle() time.Duration    { return time.Duration(d.IdleMinutes) * time.Minute }
func (d *policiesDoc) session() time.Duration { return time.Duration(d.SessionHours) * time.Hour }
func (d *policiesDoc) lockout() time.Duration { return time.Duration(d.LockoutMinutes) * time.Minute }
func (d *policiesDoc) forget() time.Duration  { return time.Duration(d.ForgetMinutes) * time.Minute }
func (d *policiesDoc) link() time.Duration    { return time.Duration(d.LinkHours) * time.Hour }

// policies returns the policies of a company and their version, 0 when it chose
// none.
func (v *view) policies(company string) (*policiesDoc, store.Revision, error) {
	d := *defaultPolicies
	version, err := v.document(policiesKey(company), &d)
	return &d, version, err
}

// bounds are those of the policies (rule 18), in the order of the messages.
func (d *policiesDoc) bounds() []bound {
	return []bound{
		{"failures", d.Failures, 3, 100}, {"lockout_minutes", d.LockoutMinutes, 1, 1_440}, {"forget_minutes", d.ForgetMinutes, 1, 1_440},
		{"link_hours", d.LinkHours, 1, 720}, {"idle_minutes", d.IdleMinutes, 5, 10_080}, {"session_hours", d.SessionHours, 1, 720},
		{"password_length", d.PasswordLength, 8, 128},
	}
}

type bound struct {
	field       string
	value       uint32
	least, most uint32
}

// check refuses a policy that is out of bounds.
func (d *policiesDoc) check() error {
	for _, b := range d.bounds() {
		if b.value < b.least || b.value > b.most {
			return invalid("policies."+b.field, "%d is not from %d to %d", b.value, b.least, b.most)
		}
	}
	if d.AuditDays != 0 && (d.AuditDays < 30 || d.AuditDays > 3_650) {
		return invalid("policies.audit_days", "%d is neither 0, for ever, nor from 30 to 3650", d.AuditDays)
	}
	return nil
}

func (d *policiesDoc) message() *portalv1.Policies {
	return &portalv1.Policies{
		Failures: d.Failures, LockoutMinutes: d.LockoutMinutes, ForgetMinutes: d.ForgetMinutes, LinkHours: d.LinkHours,
		IdleMinutes: d.IdleMinutes, SessionHours: d.SessionHours, PasswordLength: d.PasswordLength, AuditDays: d.AuditDays,
	}
}

func newPolicies(m *portalv1.Policies) (*policiesDoc, error) {
	d := &policiesDoc{
		Failures: m.GetFailures(), LockoutMinutes: m.GetLockoutMinutes(), ForgetMinutes: m.GetForgetMinutes(), LinkHours: m.GetLinkHours(),
		IdleMinutes: m.GetIdleMinutes(), SessionHours: m.GetSessionHours(), PasswordLength: m.GetPasswordLength(), AuditDays: m.GetAuditDays(),
	}
	return d, d.check()
}

// GetPolicies returns the security policies of the company.
func (s *settingsService) GetPolicies(ctx context.Context, _ *portalv1.GetPoliciesRequest) (*portalv1.GetPoliciesResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.reads(ctx, "policies.read", asked{v.company(), "manage_security_policies"}); err != nil {
		return nil, err
	}
	d, version, err := v.policies(v.caller.Company)
	return &portalv1.GetPoliciesResponse{Policies: d.message(), Version: uint64(version), ReadAt: v.token()}, err
}

// SetPolicies replaces them. They count from the next sign-in or use of a session on.
func (s *settingsService) SetPolicies(ctx context.Context, r *portalv1.SetPoliciesRequest) (*portalv1.Written, error) {
	d, err := newPolicies(r.Policies)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.sentence = "changed the security policies"
		if err := v.begin(ctx, a, "policies.set", v.company(), "manage_security_policies"); err != nil {
			return err
		}
		old, version, err := v.policies(v.caller.Company)
		if err != nil {
			return err
		}
		if r.IfVersion != nil && store.Revision(*r.IfVersion) != version {
			return conflict("somebody else changed the policies; look at them again")
		}
		if a.unchanged = *old == *d; a.unchanged {
			return nil
		}
		a.before, a.after = old, d
		a.document(at(version, put(policiesKey(v.caller.Company), d)))
		return nil
	})
}
