package portal

import (
	"context"

	"github.com/pemba-authz/pemba/server/portal/outside"
)

// authenticator is an outside authenticator that signs people in.
type authenticator struct {
	authenticatorDoc
	company, id string
}

// authenticatorOf returns the authenticator by which addresses of a domain sign in,
// nil for a password (rule 17). The answer does not depend on whether somebody has an
// address, only on its domain:
//
//   - that of the domain, if it is enabled;
//   - else the one that takes all others. decided: where several companies share an
//     installation, all others are the domains that only the users of its company
//     have.
func (p *Portal) authenticatorOf(ctx context.Context, domain string) (*authenticator, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	var claim claimDoc
	if version, err := v.document(domainKey(domain), &claim); err != nil || version != 0 {
		if err != nil {
			return nil, err
		}
		return v.authenticator(claim)
	}
	claim, err = p.others(ctx, v, domain)
	if err != nil || claim.Authenticator == "" {
		return nil, err
	}
	return v.authenticator(claim)
}

// authenticator returns an enabled authenticator, nil for one that is not.
func (v *view) authenticator(c claimDoc) (*authenticator, error) {
	a := &authenticator{company: c.Company, id: c.Authenticator}
	version, err := v.document(authenticatorKey(c.Company, c.Authenticator), &a.authenticatorDoc)
	if err != nil || version == 0 || !a.Enabled {
		return nil, err
	}
	return a, nil
}

// others returns which authenticator takes a domain that belongs to none; an empty
// claim for none.
func (p *Portal) others(ctx context.Context, v *view, domain string) (claimDoc, error) {
	claims := map[string]claimDoc{}
	for doc, err := range v.snap.Documents(ctx, othersPrefix, "") {
		if err != nil {
			return claimDoc{}, err
		}
		var c claimDoc
		if err := decode(doc, &c); err != nil {
			return claimDoc{}, err
		}
		claims[c.Company] = c
	}
	if len(claims) == 0 {
		return claimDoc{}, nil
	}
	only, err := p.onlyCompany(ctx)
	if err != nil || only != "" {
		return claims[only], err
	}
	users, err := p.usersOf(ctx, domain)
	if err != nil || len(users) != 1 {
		return claimDoc{}, err
	}
	for of := range users {
		return claims[of], nil
	}
	return claimDoc{}, nil
}

// onlyCompany returns the company of an installation that has one, "" for another.
func (p *Portal) onlyCompany(ctx context.Context) (string, error) {
	l, err := p.list(ctx)
	if err != nil {
		return "", err
	}
	defer l.close()
	if len(l.directory.companies) == 1 {
		for id := range l.directory.companies {
			return id, nil
		}
	}
	return "", nil
}

// provider is how an authenticator is asked.
func (v *view) provider(a *authenticator) (outside.Provider, error) {
	var secret outsideSecretDoc
	_, err := v.document(authenticatorSecretKey(a.company, a.id), &secret)
	return outside.Provider{Issuer: a.Issuer, ClientID: a.ClientID, Secret: secret.Secret, Redirect: v.portal.publicURL() + CallbackPath}, err
}

// byPassword reports whether a user of a company signs in with a password: addresses
// of an outside authenticator of the company do not. decided: whoever may manage
// authenticators does all the same, so that a broken one can be repaired.
func (p *Portal) byPassword(ctx context.Context, of, userID, email string) (bool, error) {
	a, err := p.authenticatorOf(ctx, domainOf(email))
	if err != nil || a == nil || a.company != of {
		return err == nil, err
	}
	v, err := p.newest(ctx)
	if err != nil {
		return false, err
	}
	defer v.close()
	return v.can(ctx, userID, company(of), "manage_identity_providers")
}
