package portal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of a client.
const (
	maxClients      = 50 // of a company
	maxRedirectURLs = 10
	maxURL          = 500
)

func clientKey(company, id string) string { return companyPrefix(company) + "client/" + id }
func clientSecretKey(company, id string) string {
	return companyPrefix(company) + "client-secret/" + id
}

// clientDoc is the portal of a service. Its id begins with that of its company.
type clientDoc struct {
	Service      string    `json:"service"`
	Name         string    `json:"name"`
	RedirectURLs []string  `json:"redirect_urls"`
	LogoutURLs   []string  `json:"logout_urls,omitempty"`
	Public       bool      `json:"public,omitempty"`
	PortalURL    string    `json:"portal_url,omitempty"`
	Created      time.Time `json:"created"`
}

// secretDoc has the SHA-256 of a secret of 130 random bits: what is as hard to
// guess needs no slow hash.
type secretDoc struct {
	Hash string `json:"hash"`
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ListClients returns the portals of services by name.
func (s *settingsService) ListClients(ctx context.Context, _ *portalv1.ListClientsRequest) (*portalv1.ListClientsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.need(ctx, v.company(), "manage_identity_providers"); err != nil {
		return nil, err
	}
	resp := &portalv1.ListClientsResponse{Issuer: s.Issuer(), ReadAt: v.token()}
	for doc, err := range v.snap.Documents(ctx, clientKey(v.caller.Company, ""), "") {
		if err != nil {
			return nil, err
		}
		var d clientDoc
		if err := decode(doc, &d); err != nil {
			return nil, err
		}
		_, _, id := splitKey(doc.Key)
		resp.Clients = append(resp.Clients, d.message(id, doc.Version))
	}
	slices.SortStableFunc(resp.Clients, func(a, b *portalv1.Client) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return resp, nil
}

func (d *clientDoc) message(id string, version store.Revision) *portalv1.Client {
	return &portalv1.Client{
		Id: id, Service: serviceNumber(d.Service), Name: d.Name, RedirectUrls: d.RedirectURLs, LogoutUrls: d.LogoutURLs,
		Public: d.Public, PortalUrl: d.PortalURL, CreatedAt: timestamppb.New(d.Created), Version: uint64(version),
	}
}

// SaveClient creates or replaces the portal of a service.
func (s *settingsService) SaveClient(ctx context.Context, r *portalv1.SaveClientRequest) (*portalv1.SaveClientResponse, error) {
	d, err := newClient(r)
	if err != nil {
		return nil, err
	}
	caller := CallerOf(ctx)
	made, secret := savedClient{created: created{r.Id}}, ""
	if r.Id == "" {
		made.ID = caller.Company + "." + d.Service + "." + newID()[:10]
	}
	if !d.Public && (r.Id == "" || r.NewSecret) {
		secret = rand.Text()
	}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		id := made.ID
		a.called, a.sentence = d.Name, fmt.Sprintf("saved the portal “%s” of %s", d.Name, serviceName(d.Service))
		a.service, a.after = d.Service, d
		if err := v.begin(ctx, a, "client.save", v.company(), "manage_identity_providers"); err != nil {
			return err
		}
		var old clientDoc
		version, err := v.document(clientKey(caller.Company, id), &old)
		if err != nil {
			return err
		}
		switch {
		case r.Id != "" && version == 0:
			return notFound("client", id)
		case r.Id != "" && old.Service != d.Service:
			return invalid("service", "a client stays with its service; delete it and create another")
		case r.IfVersion != 0 && store.Revision(r.IfVersion) != version:
			return conflict("somebody else changed the client; look at it again")
		case r.Id != "" && old.Public && !d.Public && secret == "":
			return invalid("new_secret", "a client that is not public any more needs a secret: ask for one")
		case r.Id == "":
			if err := v.roomForClient(ctx); err != nil {
				return err
			}
			old.Created = v.engine.Now
		default:
			a.before = old
		}
		d.Created, made.At = old.Created, old.Created
		a.document(at(version, put(clientKey(caller.Company, id), d)))
		switch {
		case secret != "":
			a.document(seal(clientSecretKey(caller.Company, id), secretDoc{hashSecret(secret)}))
		case d.Public:
			a.document(drop(clientSecretKey(caller.Company, id)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.Created = made.At
	if written.again && secret != "" {
		return nil, errOnce("the client " + made.ID)
	}
	version, err := s.replica.ParseToken(written.WrittenAt.Token)
	return &portalv1.SaveClientResponse{Client: d.message(made.ID, version), Secret: secret, WrittenAt: written.WrittenAt}, err
}

// savedClient is the answer of SaveClient.
type savedClient struct {
	created
	At time.Time `json:"at"` // when it was created
}

// roomForClient refuses one client too many.
func (v *view) roomForClient(ctx context.Context) error {
	n := 0
	for _, err := range v.snap.Documents(ctx, clientKey(v.caller.Company, ""), "") {
		if err != nil {
			return err
		}
		n++
	}
	if n >= maxClients {
		return &Refusal{Fault: Rule, Msg: fmt.Sprintf("the company has %d clients; at most so many are allowed: delete one that is not used", n)}
	}
	return nil
}

// newClient reads a client of a request.
func newClient(r *portalv1.SaveClientRequest) (*clientDoc, error) {
	d := &clientDoc{Service: serviceID(r.Service), Public: r.Public}
	if d.Service == "" {
		return nil, invalid("service", "it is missing; it is one of the five services")
	}
	var err error
	if d.Name, err = line("name", r.Name, 1, 100); err != nil {
		return nil, err
	}
	if len(r.RedirectUrls) == 0 {
		return nil, invalid("redirect_urls", "at least one is needed: where the service takes the answer")
	}
	if d.RedirectURLs, err = readURLs("redirect_urls", r.RedirectUrls); err != nil {
		return nil, err
	}
	if d.LogoutURLs, err = readURLs("logout_urls", r.LogoutUrls); err != nil {
		return nil, err
	}
	if r.PortalUrl != "" {
		d.PortalURL, err = readURL("portal_url", r.PortalUrl)
	}
	return d, err
}

func readURLs(field string, texts []string) ([]string, error) {
	if len(texts) > maxRedirectURLs {
		return nil, invalid(field, "there are %d; at most %d are allowed", len(texts), maxRedirectURLs)
	}
	var out []string
	for _, text := range texts {
		u, err := readURL(field, text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out, nil
}

// readURL reads an address of a service: https, or http on this machine (RFC 8252,
// section 7.3), without a fragment (RFC 6749, section 3.1.2).
func readURL(field, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || len(text) > maxURL || u.User != nil || u.Fragment != "" || strings.ContainsAny(text, " *"):
		return "", invalid(field, "%.80q is none; an address looks like https://modeler.example.com/callback, without a fragment", text)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())):
		return "", invalid(field, "%.80q must be https; http is for this machine alone", text)
	}
	return text, nil
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// DeleteClient deletes the portal of a service: nobody signs in to it any more.
func (s *settingsService) DeleteClient(ctx context.Context, r *portalv1.DeleteClientRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		if err := v.begin(ctx, a, "client.delete", v.company(), "manage_identity_providers"); err != nil {
			return err
		}
		var old clientDoc
		version, err := v.document(clientKey(v.caller.Company, r.Id), &old)
		if err != nil {
			return err
		}
		if version == 0 {
			return notFound("client", r.Id)
		}
		a.called, a.service, a.before = old.Name, old.Service, old
		a.sentence = fmt.Sprintf("deleted the portal “%s” of %s", old.Name, serviceName(old.Service))
		gone := drop(clientKey(v.caller.Company, r.Id))
		a.document(at(version, gone), drop(clientSecretKey(v.caller.Company, r.Id)))
		return nil
	})
}

// portalURL is where the portal of a service of the caller's company is; "" when
// none is configured.
func (v *view) portalURL(ctx context.Context, service string) (string, error) {
	for doc, err := range v.snap.Documents(ctx, clientKey(v.caller.Company, ""), "") {
		if err != nil {
			return "", err
		}
		var d clientDoc
		if err := decode(doc, &d); err != nil {
			return "", err
		}
		if d.Service == service && d.PortalURL != "" {
			return d.PortalURL, nil
		}
	}
	return "", nil
}

// ServiceClient is the portal of a service as the identity provider knows it.
type ServiceClient struct {
	ID, Company, Service, Name string
	RedirectURLs, LogoutURLs   []string
	Public                     bool
	secret                     string // hash; "" for a public one
}

// Proves reports whether a secret is that of the client.
func (c *ServiceClient) Proves(secret string) bool {
	return c.secret != "" && subtle.ConstantTimeCompare([]byte(hashSecret(secret)), []byte(c.secret)) == 1
}

// ServiceClient returns the client of an id, or a *Refusal when there is none.
func (p *Portal) ServiceClient(ctx context.Context, id string) (*ServiceClient, error) {
	v, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	of, _, _ := strings.Cut(id, ".")
	var d clientDoc
	version, err := v.document(clientKey(of, id), &d)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, &Refusal{Fault: NotFound, Msg: fmt.Sprintf("there is no client %.64q", id)}
	}
	var secret secretDoc
	if _, err := v.document(clientSecretKey(of, id), &secret); err != nil {
		return nil, err
	}
	return &ServiceClient{
		ID: id, Company: of, Service: d.Service, Name: d.Name,
		RedirectURLs: d.RedirectURLs, LogoutURLs: d.LogoutURLs, Public: d.Public, secret: secret.Hash,
	}, nil
}

// Entrant is who enters the portal of a service.
type Entrant struct {
	User, Email, GivenName, Surname string
	Company, CompanyName            string
	Subscription                    string
}

// Enter returns who a user is to the portal of a service, if the engine says that
// he may enter it: access_portal on the subscription of its company. Otherwise it
// returns a *Refusal, which is noted in the audit log.
func (p *Portal) Enter(ctx context.Context, userID string, c *ServiceClient) (*Entrant, error) {
	caller := *CallerOf(ctx)
	caller.User, caller.Company = userID, c.Company
	ctx = WithCaller(ctx, &caller)
	v, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	var u userDoc
	version, err := v.document(userKey(c.Company, userID), &u)
	if err != nil {
		return nil, err
	}
	sub := subscription(c.Company + "-" + c.Service)
	if version == 0 { // of another company
		return nil, &Refusal{Fault: NotAllowed, Resource: sub, Permission: "access_portal", Msg: "this portal is of another company"}
	}
	if err := v.need(ctx, sub, "access_portal"); err != nil {
		p.refused(ctx, &action{name: "service.enter", on: sub, permission: "access_portal", service: c.Service, sentence: "wanted to enter " + c.Name}, err)
		return nil, err
	}
	var of companyDoc
	if _, err := v.document(companyKey(c.Company), &of); err != nil {
		return nil, err
	}
	return &Entrant{
		User: userID, Email: u.Email, GivenName: u.GivenName, Surname: u.Surname,
		Company: c.Company, CompanyName: of.Name, Subscription: sub.ID,
	}, nil
}

// Entered notes in the audit log that a user entered the portal of a service.
func (p *Portal) Entered(ctx context.Context, e *Entrant, c *ServiceClient) {
	caller := *CallerOf(ctx)
	caller.User, caller.Company = e.User, e.Company
	v, err := p.read(WithCaller(ctx, &caller))
	if err != nil {
		p.log.Warn("an entry of the audit log is missing", "error", err)
		return
	}
	defer v.close()
	note := v.entry("service.enter", "subscription:"+e.Subscription, c.Name)
	note.Service, note.Result, note.Sentence = c.Service, resultAllowed, "entered "+c.Name
	p.notes.add(e.Company, note)
}

// Issuer is the URL by which the identity provider names itself.
func (p *Portal) Issuer() string { return strings.TrimSuffix(p.config.PublicURL, "/") + "/oidc" }

// EndSession ends the session of a caller; one that is over is no fault.
func (p *Portal) EndSession(ctx context.Context, c *Caller) error {
	_, err := p.SessionService().SignOut(WithCaller(ctx, c), &portalv1.SignOutRequest{})
	return err
}
