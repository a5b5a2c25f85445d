package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func loginCommand(a *app) *cobra.Command {
	var f loginFlags
	c := &cobra.Command{
		Use:   "login [ENDPOINT]",
		Short: "Sign in to the Customer Portal of a server",
		Long: `Signs in with e-mail and password and keeps a token for this machine in the current
context, or in a new one that is named after the server. The token acts as you, until
it expires or is revoked. With --link it sets the password first, by the one-time link of
an invitation. With --forgot a link to set a new password is sent, whether or not
somebody has the address: the answer does not tell.`,
		Example: "  pemba login portal.example.com:50051 --email ada@acme.example\n" +
			"  pemba login portal.example.com:50051 --link https://portal.example.com/console/invite/pemba_link_…",
		Args: between(0, 1, "at most ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.endpoint = args[0]
				if err := a.root.PersistentFlags().Set("endpoint", args[0]); err != nil {
					return err
				}
			}
			return a.login(c.Context(), &f)
		},
	}
	c.Flags().StringVar(&f.email, "email", "", "e-mail address to sign in with (default: it is asked for)")
	c.Flags().StringVar(&f.link, "link", "", "one-time link, or the token at its end, by which the password is set")
	c.Flags().BoolVar(&f.fromStdin, "password-stdin", false, "read the password from stdin")
	c.Flags().BoolVar(&f.forgot, "forgot", false, "have a link sent by which a new password is set, and do not sign in")
	c.Flags().Uint32Var(&f.days, "days", 90, "how many days the token is valid, at most 365")
	c.Flags().BoolVar(&f.revoke, "revoke-tokens", false, "with --link: revoke all tokens of machines that you had")
	c.MarkFlagsMutuallyExclusive("email", "link")
	c.MarkFlagsMutuallyExclusive("forgot", "link")
	return c
}

type loginFlags struct {
	email, link string
	fromStdin   bool
	forgot      bool
	revoke      bool
	days        uint32
}

// signIn begins a session, and returns its token and whose it is.
func (f *loginFlags) signIn(ctx context.Context, p *portalClient, password string) (token, email string, err error) {
	if f.link == "" {
		r, err := p.session.SignIn(ctx, &portalv1.SignInRequest{Email: f.email, Password: password})
		return r.GetToken(), f.email, err
	}
	link := f.link[strings.LastIndexByte(f.link, '/')+1:]
	who, err := p.session.InspectLink(ctx, &portalv1.InspectLinkRequest{Token: link})
	if err != nil {
		return "", "", err
	}
	r, err := p.session.RedeemLink(ctx, &portalv1.RedeemLinkRequest{Token: link, Password: password, RevokeTokens: f.revoke})
	return r.GetToken(), who.GetEmail(), err
}

func (a *app) login(ctx context.Context, f *loginFlags) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return usagef("login signs in to a server, not to a directory: give its address")
	}
	if f.revoke && f.link == "" {
		return usagef("--revoke-tokens goes with --link; pemba me password revokes them with a change of the password")
	}
	in := bufio.NewReader(a.stdin)
	if f.email == "" && f.link == "" {
		if f.email, err = a.prompt(in, "E-mail: "); err != nil {
			return err
		}
	}
	t.Token = ""
	if f.forgot {
		return a.withAccess(ctx, t.access, func(p *portalClient) error {
			if _, err := p.session.RequestLink(ctx, &portalv1.RequestLinkRequest{Email: f.email}); err != nil {
				return err
			}
			p.note("if somebody signs in with %s, a link is on its way", f.email)
			return nil
		})
	}
	password, err := a.password(in, "Password: ", f.fromStdin)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	err = a.withAccess(ctx, t.access, func(p *portalClient) error {
		session, who, err := f.signIn(ctx, p, password)
		if err != nil {
			return err
		}
		f.email = who
		ctx := withToken(ctx, session)
		made, err := p.session.CreateMyToken(ctx, &portalv1.CreateMyTokenRequest{Name: "pemba on " + host, Days: f.days})
		if err != nil {
			return err
		}
		t.Token = made.GetToken()
		_, err = p.session.SignOut(ctx, &portalv1.SignOutRequest{})
		return err
	})
	if err != nil {
		return err
	}
	return a.changeContexts(func(c *contexts) error {
		name, present, err := c.find(a.context)
		if err != nil || present.Endpoint != t.Endpoint {
			name = strings.NewReplacer(":", "_", "[", "", "]", "").Replace(t.Endpoint)
		}
		c.Contexts[name], c.Current = t.access, name
		a.note("signed in to %s as %s; the token is kept in the context %s", t.Endpoint, f.email, name)
		return nil
	})
}

// withAccess runs f with a client of a server.
func (a *app) withAccess(ctx context.Context, at access, f func(*portalClient) error) error {
	conn, err := dial(at)
	if err != nil {
		return err
	}
	return errors.Join(a.talk(ctx, newClient(conn), func(cl *client) error { return f(newPortalClient(a, cl.conn)) }), conn.Close())
}

// prompt asks for a line.
func (a *app) prompt(in *bufio.Reader, text string) (string, error) {
	_, _ = fmt.Fprint(a.stderr, text)
	answer, err := in.ReadString('\n')
	if answer = strings.TrimRight(answer, "\r\n"); answer == "" {
		if err == nil || errors.Is(err, io.EOF) {
			err = usagef("nothing was entered")
		}
		return "", err
	}
	return answer, nil
}

// password asks for a password without showing it, or reads a line of stdin.
func (a *app) password(in *bufio.Reader, text string, fromStdin bool) (string, error) {
	f, ok := a.stdin.(*os.File)
	if fromStdin || !ok || !term.IsTerminal(int(f.Fd())) {
		if !fromStdin {
			return "", usagef("stdin is no terminal: give --password-stdin to read the password from it")
		}
		return a.prompt(in, "")
	}
	_, _ = fmt.Fprint(a.stderr, text)
	entered, err := term.ReadPassword(int(f.Fd()))
	_, _ = fmt.Fprintln(a.stderr)
	if err == nil && len(entered) == 0 {
		err = usagef("no password was entered")
	}
	return string(entered), err
}

func logoutCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "End what login began, and forget its token",
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			err := a.withPortal(c.Context(), func(p *portalClient) error {
				_, err := p.session.SignOut(c.Context(), &portalv1.SignOutRequest{})
				return err
			})
			return errors.Join(err, a.changeContexts(func(all *contexts) error {
				name, present, err := all.find(a.context)
				if err != nil {
					return err
				}
				present.Token = ""
				all.Contexts[name] = present
				a.note("the token of the context %s is forgotten", name)
				return nil
			}))
		},
	}
}

func whoamiCommand(a *app) *cobra.Command {
	return a.ask("whoami", "Say who is signed in", "Says who the token belongs to, and what he may do in the company and its services.", exactly(0, ""),
		func(ctx context.Context, p *portalClient, _ []string) error {
			me, err := p.session.GetMe(ctx, &portalv1.GetMeRequest{})
			if err != nil {
				return err
			}
			who, services := personWords(me.GetPerson()), []string{}
			if me.GetOperator() != "" {
				who = "the operator " + me.GetOperator()
			}
			for _, s := range me.GetServices() {
				services = append(services, serviceWord(s.GetService()))
			}
			return p.facts(me, []string{"who", "company", "permissions", "services", "expires"},
				who, me.GetCompanyName(), strings.Join(me.GetCompanyPermissions(), " "), strings.Join(services, " "), when(me.GetExpiresAt()))
		})
}

func tokenCommands(a *app) *cobra.Command {
	var days uint32
	create := a.ask("create NAME", "Make a token for a machine", "Makes a token that acts as you. It is printed once.", exactly(1, "NAME"),
		func(ctx context.Context, p *portalClient, args []string) error {
			made, err := p.session.CreateMyToken(ctx, &portalv1.CreateMyTokenRequest{Name: args[0], Days: days})
			if err != nil {
				return err
			}
			p.note("the token acts as you until %s; it is not shown again", when(made.GetExpiresAt()))
			value, err := messageJSON(made)
			if err != nil {
				return err
			}
			return p.one([]string{"id", "token", "expires"}, item{text: made.GetToken(), cells: []string{made.GetId(), made.GetToken(), when(made.GetExpiresAt())}, value: value})
		})
	create.Flags().Uint32Var(&days, "days", 90, "how many days it is valid, at most 365")
	list := a.ask("list", "List your tokens", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.session.ListMyTokens(ctx, &portalv1.ListMyTokensRequest{})
		if err != nil {
			return err
		}
		var all []row
		for _, t := range r.GetTokens() {
			all = append(all, row{t, []string{t.GetId(), t.GetName(), when(t.GetCreatedAt()), when(t.GetExpiresAt()), when(t.GetSeenAt())}})
		}
		return p.rows([]string{"id", "name", "created", "expires", "seen"}, all)
	})
	revoke := a.ask("revoke ID", "Revoke a token", "", exactly(1, "ID"), func(ctx context.Context, p *portalClient, args []string) error {
		w, err := p.session.RevokeMyToken(ctx, &portalv1.RevokeMyTokenRequest{Id: args[0]})
		if err != nil {
			return err
		}
		return p.did(w, "revoked the token %s", args[0])
	})
	return group("token", "Tokens by which machines act as you", "", create, list, revoke)
}
