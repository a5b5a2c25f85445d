package portal

import (
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
