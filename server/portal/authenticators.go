package portal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/outside"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of authenticators.
const (
	maxAuthenticators = 20 // of a company
	maxDomains        = 50 // of one
	maxSecret         = 500
)

// CallbackPath is where outside authenticators send people back to.
const CallbackPath = "/portal/v1/oidc/callback"

func authenticatorKey(company, id string) string {
	return companyPrefix(company) + "authenticator/" + id
}
func authenticatorSecretKey(company, id string) string {
	return companyPrefix(company) + "authenticator-secret/" + id
}

// domainKey is where a domain of e-mail addresses is taken: it belongs to one
// authenticator of the whole installation (rule 17).
func domainKey(domain string) string { return DocumentPrefix + "domain/" + domain }

const othersPrefix = DocumentPrefix + "all-others/"

// othersKey is where the one authenticator of a company stands that takes all other
// domains.
func othersKey(company string) string { return othersPrefix + company }

// authenticatorDoc is an outside authenticator: an OpenID Connect provider.
type authenticatorDoc struct {
	Name     string   `json:"name"`
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"client_id"`
	Domains  []string `json:"domains,omitempty"`
	Others   bool     `json:"all_others,omitempty"`
	Enabled  bool     `json:"enabled"`
}

// outsideSecretDoc is what the provider knows the installation by.
type outsideSecretDoc struct {
	Secret string `json:"secret"`
}

// claimDoc says whose a domain, or all others of a company, are.
type claimDoc struct {
	Company       string `json:"company"`
	Authenticator string `json:"authenticator"`
}

func (d *authenticatorDoc) message(p *Portal, id string, version store.Revision, secret bool) *portalv1.Authenticator {
	return &portalv1.Authenticator{
		Id: id, Name: d.Name, Issuer: d.Issuer, ClientId: d.ClientID, HasSecret: secret, Domains: d.Domains,
		AllOthers: d.Others, Enabled: d.Enabled, Version: uint64(version), RedirectUrl: p.publicURL() + CallbackPath,
	}
}

// ListAuthenticators returns the outside authenticators of the company by name.
func (s *settingsService) ListAuthenticators(ctx context.Context, _ *portalv1.ListAuthenticatorsRequest) (*portalv1.ListAuthenticatorsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.reads(ctx, "authenticator.list", asked{v.company(), "manage_identity_providers"}); err != nil {
		return nil, err
	}
	of := v.caller.Company
	resp := &portalv1.ListAuthenticatorsResponse{ReadAt: v.token(), RedirectUrl: s.publicURL() + CallbackPath}
	for doc, err := range v.snap.Documents(ctx, authenticatorKey(of, ""), "") {
		if err != nil {
			return nil, err
		}
		var d authenticatorDoc
		if err := decode(doc, &d); err != nil {
			return nil, err
		}
		_, _, id := splitKey(doc.Key)
		_, secret, err := v.snap.Document(authenticatorSecretKey(of, id))
		if err != nil {
			return nil, err
		}
		resp.Authenticators = append(resp.Authenticators, d.message(s.Portal, id, doc.Version, secret))
	}
	slices.SortStableFunc(resp.Authenticators, func(a, b *portalv1.Authenticator) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return resp, nil
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

// newAuthenticator reads an authenticator of a request.
func (p *Portal) newAuthenticator(r *portalv1.SaveAuthenticatorRequest) (*authenticatorDoc, error) {
	d := &authenticatorDoc{Others: r.AllOthers, Enabled: r.Enabled}
	var err error
	if d.Name, err = line("name", r.Name, 1, 100); err != nil {
		return nil, err
	}
	if d.Issuer, err = line("issuer", r.Issuer, 1, maxURL); err != nil {
		return nil, err
	}
	if err := p.outside.CheckIssuer(d.Issuer); err != nil {
		return nil, invalid("issuer", "%v", err)
	}
	if d.ClientID, err = line("client_id", r.ClientId, 1, 200); err != nil {
		return nil, err
	}
	if len(r.ClientSecret) > maxSecret {
		return nil, invalid("client_secret", "it has %d bytes; at most %d are allowed", len(r.ClientSecret), maxSecret)
	}
	if len(r.Domains) > maxDomains {
		return nil, invalid("domains", "there are %d; at most %d are allowed", len(r.Domains), maxDomains)
	}
	for _, text := range r.Domains {
		domain := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "@")
		if len(domain) > maxEmail || !domainName.MatchString(domain) {
			return nil, invalid("domains", "%.100q is none; a domain looks like example.com", text)
		}
		d.Domains = append(d.Domains, domain)
	}
	slices.Sort(d.Domains)
	d.Domains = slices.Compact(d.Domains)
	return d, nil
}

// SaveAuthenticator creates or replaces one. An enabled one must answer.
func (s *settingsService) SaveAuthenticator(ctx context.Context, r *portalv1.SaveAuthenticatorRequest) (*portalv1.SaveAuthenticatorResponse, error) {
	d, err := s.newAuthenticator(r)
	if err != nil {
		return nil, err
	}
	if done, err := s.repeats(ctx); err != nil {
		return nil, err
	} else if done == nil { // what was saved is not asked again
		if err := s.probe(ctx, d); err != nil {
			return nil, err
		}
	}
	made := savedAuthenticator{created: created{r.Id}}
	if r.Id == "" {
		made.ID = newID()
	}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		a.called, a.after = d.Name, d
		a.sentence = fmt.Sprintf("saved the authenticator “%s” (%s)", d.Name, d.Issuer)
		if err := v.begin(ctx, a, "authenticator.save", v.company(), "manage_identity_providers"); err != nil {
			return err
		}
		var err error
		made.Secret, err = v.planAuthenticator(ctx, a, made.ID, d, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	version, err := s.replica.ParseToken(written.WrittenAt.Token)
	return &portalv1.SaveAuthenticatorResponse{Authenticator: d.message(s.Portal, made.ID, version, made.Secret), WrittenAt: written.WrittenAt}, err
}

// savedAuthenticator is the answer of SaveAuthenticator.
type savedAuthenticator struct {
	created
	Secret bool `json:"secret"` // it has one
}

// probe asks the provider of an authenticator that is to be used, for whoever may
// manage authenticators and nobody else.
func (p *Portal) probe(ctx context.Context, d *authenticatorDoc) error {
	v, err := p.newest(ctx)
	if err != nil {
		return err
	}
	err = v.reads(ctx, "authenticator.save", asked{v.company(), "manage_identity_providers"})
	v.close()
	if err != nil || !d.Enabled {
		return err
	}
	return unreachable(p.outside.Probe(ctx, d.Issuer))
}

// unreachable refuses an issuer that does not answer.
func unreachable(err error) error {
	if silent, ok := errors.AsType[*outside.UnreachableError](err); ok {
		return invalid("issuer", "%v", silent)
	}
	return err
}

// planAuthenticator plans the authenticator, its secret, its domains and whether it
// takes all others. It reports whether it has a secret then.
func (v *view) planAuthenticator(ctx context.Context, a *action, id string, d *authenticatorDoc, r *portalv1.SaveAuthenticatorRequest) (bool, error) {
	of := v.caller.Company
	var old authenticatorDoc
	version, err := v.document(authenticatorKey(of, id), &old)
	if err != nil {
		return false, err
	}
	_, had, err := v.snap.Document(authenticatorSecretKey(of, id))
	if err != nil {
		return false, err
	}
	switch {
	case r.Id != "" && version == 0:
		return false, notFound("authenticator", id)
	case r.IfVersion != 0 && store.Revision(r.IfVersion) != version:
		return false, conflict("somebody else changed the authenticator; look at it again")
	case version == 0:
		if err := v.roomForAuthenticator(ctx); err != nil {
			return false, err
		}
	case had && old.Issuer != d.Issuer && r.ClientSecret == "":
		return false, invalid("client_secret", "the issuer is another one: give the secret that it knows; the old one is not sent to it")
	default:
		a.before = old
	}
	if err := v.planClaims(ctx, a, id, &old, d); err != nil {
		return false, err
	}
	a.document(at(version, put(authenticatorKey(of, id), d)))
	if r.ClientSecret != "" {
		a.document(seal(authenticatorSecretKey(of, id), outsideSecretDoc{r.ClientSecret}))
	}
	return had || r.ClientSecret != "", nil
}

// roomForAuthenticator refuses one too many.
func (v *view) roomForAuthenticator(ctx context.Context) error {
	n := 0
	for _, err := range v.snap.Documents(ctx, authenticatorKey(v.caller.Company, ""), "") {
		if err != nil {
			return err
		}
		n++
	}
	if n >= maxAuthenticators {
		return &Refusal{Fault: Rule, Msg: fmt.Sprintf("the company has %d authenticators; at most so many are allowed: delete one that is not used", n)}
	}
	return nil
}

// planClaims plans the domains of an authenticator: those that are new are taken if
// they are free, those that are left become free (rule 17).
func (v *view) planClaims(ctx context.Context, a *action, id string, old, d *authenticatorDoc) error {
	mine := claimDoc{v.caller.Company, id}
	for _, domain := range d.Domains {
		var held claimDoc
		version, err := v.document(domainKey(domain), &held)
		if err != nil {
			return err
		}
		if version != 0 && held != mine {
			return takenDomain(domain)
		}
		if version == 0 {
			if err := v.portal.mayClaim(ctx, v.caller.Company, domain); err != nil {
				return err
			}
			a.document(at(0, put(domainKey(domain), mine)))
		}
	}
	for _, domain := range old.Domains {
		if !slices.Contains(d.Domains, domain) {
			a.document(drop(domainKey(domain)))
		}
	}
	return v.planOthers(a, mine, d.Others)
}

func takenDomain(domain string) error {
	return &Refusal{Fault: Taken, Field: "domains", Rule: "17", Msg: fmt.Sprintf("domains: %s belongs to another authenticator; a domain belongs to one", domain)}
}

// planOthers plans whether an authenticator takes all other domains of its company.
func (v *view) planOthers(a *action, mine claimDoc, want bool) error {
	var held claimDoc
	version, err := v.document(othersKey(mine.Company), &held)
	switch {
	case err != nil:
		return err
	case want && version != 0 && held != mine:
		var other authenticatorDoc
		if _, err := v.document(authenticatorKey(held.Company, held.Authenticator), &other); err != nil {
			return err
		}
		return &Refusal{Fault: Taken, Field: "all_others", Rule: "17", Msg: fmt.Sprintf("all_others: “%s” takes all other domains; at most one does", other.Name)}
	case want && version == 0:
		a.document(at(0, put(othersKey(mine.Company), mine)))
	case !want && held == mine:
		a.document(at(version, drop(othersKey(mine.Company))))
	}
	return nil
}

// mayClaim refuses a domain of which another company has more users: nobody sends
// the people of others to his own authenticator.
func (p *Portal) mayClaim(ctx context.Context, company, domain string) error {
	users, err := p.usersOf(ctx, domain)
	if err != nil {
		return err
	}
	for of, n := range users {
		if of != company && n > users[company] {
			return takenDomain(domain)
		}
	}
	return nil
}

// usersOf counts the users of each company who have addresses of a domain.
func (p *Portal) usersOf(ctx context.Context, domain string) (map[string]int, error) {
	l, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	users := map[string]int{}
	for of, people := range l.directory.people {
		for _, row := range people {
			if domainOf(row.doc.Email) == domain {
				users[of]++
			}
		}
	}
	return users, nil
}

// DeleteAuthenticator deletes one: its domains are free, and whoever it knew signs
// in with a password.
func (s *settingsService) DeleteAuthenticator(ctx context.Context, r *portalv1.DeleteAuthenticatorRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		if err := v.begin(ctx, a, "authenticator.delete", v.company(), "manage_identity_providers"); err != nil {
			return err
		}
		of := v.caller.Company
		var old authenticatorDoc
		version, err := v.document(authenticatorKey(of, r.Id), &old)
		if err != nil {
			return err
		}
		if version == 0 {
			return notFound("authenticator", r.Id)
		}
		a.called, a.before = old.Name, old
		a.sentence = fmt.Sprintf("deleted the authenticator “%s”", old.Name)
		if err := v.planClaims(ctx, a, r.Id, &old, &authenticatorDoc{}); err != nil {
			return err
		}
		a.document(at(version, drop(authenticatorKey(of, r.Id))), drop(authenticatorSecretKey(of, r.Id)))
		return nil
	})
}
