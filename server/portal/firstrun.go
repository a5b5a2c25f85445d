package portal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// firstRunPrefix is where the hashes of one-time codes are, one of each member: the
// request may come to any of them.
const firstRunPrefix = DocumentPrefix + "first-run/"

// firstRunDoc is the code that a member printed.
type firstRunDoc struct {
	Hash string `json:"hash"`
}

// offerFirstRun makes the one-time code of this member, while there is no company.
func (p *Portal) offerFirstRun() {
	for {
		code, err := p.makeFirstRun(p.ctx)
		if err == nil {
			p.tellFirstRun(code)
			return
		}
		if _, wait := errors.AsType[*replica.UnavailableError](err); !wait && p.ctx.Err() == nil {
			p.log.Error("the one-time code of the first run cannot be made", "error", err)
			return
		}
		select {
		case <-time.After(installRetry):
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *Portal) tellFirstRun(code string) {
	switch {
	case code == "":
	case p.config.FirstRun != nil:
		p.config.FirstRun(code)
	default:
		p.log.Warn("there is no company yet: make the first with this one-time code, or with that of another node; the first that is used ends them all", "url", p.publicURL()+"/console/first-run", "one_time_code", code)
	}
}

// makeFirstRun makes a code, "" when there is a company. It replaces the one that
// this member made before.
func (p *Portal) makeFirstRun(ctx context.Context) (string, error) {
	code := strings.ToLower(rand.Text())
	made := false
	_, err := p.act(WithCaller(ctx, &Caller{}), func(v *view, a *action) error {
		a.name, a.system, a.quiet = "first-run.offer", true, true
		waiting, err := v.empty(ctx)
		made, a.unchanged = waiting, !waiting
		a.document(seal(firstRunPrefix+p.node(), firstRunDoc{hashSecret(code)}))
		return err
	})
	if err != nil || !made {
		return "", err
	}
	return code, nil
}

// node is the name of this member in keys.
func (p *Portal) node() string {
	if id := p.replica.Status().ID; id != "" {
		return id
	}
	return "this"
}

// empty reports whether there is no company yet.
func (v *view) empty(ctx context.Context) (bool, error) {
	for _, err := range v.snap.Documents(ctx, companyPrefixes, "") {
		return false, err
	}
	return true, nil
}

// GetFirstRun says whether there is no company yet.
func (s *sessionService) GetFirstRun(ctx context.Context, _ *portalv1.GetFirstRunRequest) (*portalv1.GetFirstRunResponse, error) {
	v, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	waiting, err := v.empty(ctx)
	if err != nil || !waiting {
		return &portalv1.GetFirstRunResponse{}, err
	}
	return &portalv1.GetFirstRunResponse{Waiting: true, RedirectUrl: s.publicURL() + CallbackPath}, nil
}

// errCode is the answer to a wrong one-time code.
var errCode = &Refusal{Fault: NotSignedIn, Field: "code", Msg: "the one-time code is wrong: each node prints one when it starts, and the newest of any node is right"}

// errSettled is the answer to a first run that comes too late.
var errSettled = &Refusal{Fault: Rule, Msg: "there is a company already: sign in, or ask whoever runs the installation for another"}

// codeHash is what is kept of a one-time code, as somebody enters it.
func codeHash(code string) string { return hashSecret(strings.TrimSpace(code)) }

// checkCode refuses the hash of a one-time code that no member printed, or of any when
// there is a company.
func (v *view) checkCode(ctx context.Context, hash string) error {
	if waiting, err := v.empty(ctx); err != nil || !waiting {
		if err == nil {
			err = errSettled
		}
		return err
	}
	right := 0
	for doc, err := range v.snap.Documents(ctx, firstRunPrefix, "") {
		if err != nil {
			return err
		}
		var d firstRunDoc
		if err := decode(doc, &d); err != nil {
			return err
		}
		right |= subtle.ConstantTimeCompare([]byte(d.Hash), []byte(hash))
	}
	if right == 0 {
		return errCode
	}
	return nil
}

// founding is the first company of an installation, as a request describes it.
type founding struct {
	Company   string     `json:"company"` // id
	Name      string     `json:"name"`
	User      string     `json:"user"` // id of the first person
	First     *userDoc   `json:"first"`
	Purchases []purchase `json:"purchases,omitempty"`
}

type purchase struct {
	Service  string `json:"service"` // id
	Licences uint32 `json:"licences"`
}

// CompleteFirstRun makes the first company with its first person: administrator of
// the company, owner of what is bought (rule 19), and operator of the installation.
func (s *sessionService) CompleteFirstRun(ctx context.Context, r *portalv1.CompleteFirstRunRequest) (*portalv1.SignInResponse, error) {
	if err := s.mayBegin(ctx, r.Code); err != nil {
		return nil, err
	}
	f, err := readFounding(r)
	if err != nil {
		return nil, err
	}
	password, err := s.newPassword(ctx, r.Password, f.First.Email, defaultPolicies)
	if err != nil {
		return nil, err
	}
	return s.found(ctx, f, codeHash(r.Code), "password", func(a *action) {
		a.document(seal(passwordKey(f.Company, f.User), password))
	})
}

// mayBegin checks the code before anything else is looked at.
func (p *Portal) mayBegin(ctx context.Context, code string) error {
	v, err := p.newest(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	return v.checkCode(ctx, codeHash(code))
}

// readFounding reads what is made; how the first person signs in is not its matter.
func readFounding(r *portalv1.CompleteFirstRunRequest) (*founding, error) {
	f := &founding{User: newID()}
	var err error
	if f.First, err = newPerson(r.Email, r.GivenName, r.Surname); err != nil {
		return nil, err
	}
	if f.Company, f.Name, err = companyName(r.CompanyId, r.CompanyName); err != nil {
		return nil, under("company_", err)
	}
	bought := map[string]bool{}
	for _, b := range r.Purchases {
		service := serviceID(b.GetService())
		switch {
		case service == "":
			return nil, invalid("purchases", "a service is missing; it is one of the five services")
		case bought[service]:
			return nil, broken("2", "%s is bought twice; a company has at most one of each service", serviceName(service))
		case b.Licences == 0:
			return nil, invalid("purchases", "at least one licence of %s is bought", serviceName(service))
		}
		bought[service] = true
		f.Purchases = append(f.Purchases, purchase{service, b.Licences})
	}
	return f, nil
}

// found makes what was described in one transaction, and begins the session of the
// first person. also plans how he signs in. Of two who try at the same time one is
// refused: both take the codes.
func (p *Portal) found(ctx context.Context, f *founding, hash, by string, also func(a *action)) (*portalv1.SignInResponse, error) {
	ctx = p.actingAs(ctx, &emailDoc{Company: f.Company, User: f.User})
	session := p.newSession(ctx, f.Company, f.User, by, defaultPolicies)
	written, err := p.act(ctx, func(v *view, a *action) error {
		a.name, a.company, a.system = "company.create", f.Company, true
		if err := v.checkCode(ctx, hash); err != nil {
			return err
		}
		if err := v.planFounding(ctx, a, f); err != nil {
			return err
		}
		also(a)
		a.document(session.updates...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &portalv1.SignInResponse{Token: session.token, ExpiresAt: timestamppb.New(session.expires), WrittenAt: written.WrittenAt}, nil
}

// planFounding plans the company, its first person and what is bought, and takes the
// codes.
func (v *view) planFounding(ctx context.Context, a *action, f *founding) error {
	for doc, err := range v.snap.Documents(ctx, firstRunPrefix, "") {
		if err != nil {
			return err
		}
		gone := store.DocumentUpdate{Key: doc.Key}
		a.document(at(doc.Version, gone))
	}
	bought := make([]string, 0, len(f.Purchases))
	for _, b := range f.Purchases {
		if err := v.buy(a, f.Company, f.Company+"-"+b.Service, b.Service, b.Licences, f.User); err != nil {
			return err
		}
		bought = append(bought, fmt.Sprintf("%s (%d licences)", serviceName(b.Service), b.Licences))
	}
	a.service = ""
	if err := v.foundCompany(a, f.Company, f.Name, f.User, f.First); err != nil {
		return err
	}
	a.sentence = fmt.Sprintf("created the company “%s” and became its administrator and operator of the installation", f.Name)
	if len(bought) > 0 {
		a.sentence += "; bought " + enumerate(bought, "and")
	}
	a.relation(store.Create, installation, "operator", subject(user(f.User), ""))
	return nil
}
