package portal

import (
	"context"
	"errors"
	"fmt"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/outside"
)

// outsideFounding is a first run whose first person is at the company's own provider.
// Nothing of it is there before the provider has confirmed who that is.
type outsideFounding struct {
	founding
	Code          string           `json:"code"` // hash
	Authenticator authenticatorDoc `json:"authenticator"`
	Secret        string           `json:"secret,omitempty"`
}

// provider is how the provider is asked.
func (f *outsideFounding) provider(p *Portal) outside.Provider {
	return outside.Provider{Issuer: f.Authenticator.Issuer, ClientID: f.Authenticator.ClientID, Secret: f.Secret, Redirect: p.publicURL() + CallbackPath}
}

// BeginFirstRun sends the first person of an installation to the company's own
// provider.
func (s *sessionService) BeginFirstRun(ctx context.Context, r *portalv1.BeginFirstRunRequest) (*portalv1.BeginSignInResponse, error) {
	first := r.FirstRun
	if first == nil {
		first = &portalv1.CompleteFirstRunRequest{}
	}
	if err := s.mayBegin(ctx, first.Code); err != nil {
		return nil, err
	}
	if first.Password != "" {
		return nil, invalid("password", "the first person signs in by the authenticator; leave it empty")
	}
	f, err := s.readOutsideFounding(ctx, first, r.Authenticator)
	if err != nil {
		return nil, err
	}
	attempt := attemptDoc{Company: f.Company, Authenticator: newID(), Founding: f}
	redirect, err := s.sendOutside(ctx, f.provider(s.Portal), f.First.Email, attempt)
	if err != nil {
		return nil, under("authenticator.", unreachable(err))
	}
	return &portalv1.BeginSignInResponse{Redirect: redirect, Authenticator: f.Authenticator.Name}, nil
}

// readOutsideFounding reads a first run whose provider answers.
func (p *Portal) readOutsideFounding(ctx context.Context, r *portalv1.CompleteFirstRunRequest, by *portalv1.FirstAuthenticator) (*outsideFounding, error) {
	f, err := readFounding(r)
	if err != nil {
		return nil, err
	}
	domain := domainOf(f.First.Email)
	if !domainName.MatchString(domain) {
		return nil, invalid("email", "an authenticator cannot take the domain %.100q; a domain looks like example.com", domain)
	}
	d, err := p.newAuthenticator(&portalv1.SaveAuthenticatorRequest{
		Name: by.GetName(), Issuer: by.GetIssuer(), ClientId: by.GetClientId(), ClientSecret: by.GetClientSecret(),
		Domains: []string{domain}, Enabled: true,
	})
	if err == nil {
		err = p.outside.Probe(ctx, d.Issuer) // anew, whatever was known of it
	}
	if err != nil {
		return nil, under("authenticator.", unreachable(err))
	}
	return &outsideFounding{founding: *f, Code: codeHash(r.Code), Authenticator: *d, Secret: by.GetClientSecret()}, nil
}

// finishFirstRun makes the company once the provider has confirmed that the first
// person has the address that was given. There is no audit log yet that a failure could
// be noted in: the page of the first run says why, whoever comes back to it having had
// the code.
func (p *Portal) finishFirstRun(ctx context.Context, d *attemptDoc, answer Answer) (*portalv1.SignInResponse, string, error) {
	f := d.Founding
	person, why, err := p.ask(ctx, f.provider(p), d, answer)
	address := ""
	if err == nil && why == "" {
		address, why = verified(person)
	}
	switch {
	case err != nil:
		return nil, failedFirstRun("error"), err
	case why != "":
		return nil, failedFirstRun(firstRunWord(why)), p.refuseFirstRun(why)
	case emailKey(address) != emailKey(f.First.Email):
		return nil, failedFirstRun("address"), p.refuseFirstRun("the authenticator knows the person by another e-mail address")
	}
	by := &authenticator{f.Authenticator, d.Company, d.Authenticator}
	session, err := p.found(ctx, &f.founding, f.Code, by.Name, func(a *action) { p.planFirst(a, by, f, subjectHash(by.Issuer, person.Subject)) })
	if errors.Is(err, errCode) || errors.Is(err, errSettled) {
		return nil, failedFirstRun("late"), err
	}
	if err != nil { // no refusal any more: it has to be in the log, as the page says
		return nil, failedFirstRun("error"), fmt.Errorf("the first company was not made: %v", err)
	}
	return session, home, nil
}

// planFirst plans the authenticator of a new company, its domain, and which person of
// it the first user is.
func (p *Portal) planFirst(a *action, by *authenticator, f *outsideFounding, subject string) {
	a.sentence += fmt.Sprintf("; signs in by “%s” (%s)", by.Name, by.Issuer)
	a.document(at(0, put(authenticatorKey(by.company, by.id), by.authenticatorDoc)))
	if f.Secret != "" {
		a.document(at(0, seal(authenticatorSecretKey(by.company, by.id), outsideSecretDoc{f.Secret})))
	}
	for _, domain := range by.Domains {
		a.document(at(0, put(domainKey(domain), claimDoc{by.company, by.id})))
	}
	a.document(linked(by, f.User, subject)...)
}

// refuseFirstRun says in the log why a provider did not confirm the first person.
func (p *Portal) refuseFirstRun(why string) error {
	p.log.Warn("the first run by an outside authenticator did not succeed", "reason", why)
	return errOutside
}

// failedFirstRun is the page of the first run, which says what went wrong.
func failedFirstRun(word string) string { return "/console/first-run?failed=" + word }

// firstRunWord is what that page is told of a reason.
func firstRunWord(why string) string {
	switch why {
	case whyRefused:
		return "refused"
	case whySilent:
		return "silent"
	case whyNoAddress, whyUnverified:
		return "unverified"
	}
	return "proof" // the answer does not hold together, or was not given for this client and secret
}
