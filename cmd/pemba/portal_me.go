package main

import (
	"bufio"
	"context"
	"errors"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func meCommands(a *app) *cobra.Command {
	return group("me", "Your own name, password and sessions", "", meEditCommand(a), mePasswordCommand(a), meSessionsCommand(a))
}

func meEditCommand(a *app) *cobra.Command {
	var given, surname string
	c := a.ask("edit", "Change your name", "", exactly(0, ""), nil)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("given-name") && !c.Flags().Changed("surname") {
			return usagef("nothing changes: give --given-name or --surname")
		}
		return a.withPortal(c.Context(), func(p *portalClient) error {
			me, err := p.session.GetMe(c.Context(), &portalv1.GetMeRequest{})
			if err != nil {
				return err
			}
			r := &portalv1.UpdateMeRequest{GivenName: me.GetPerson().GetGivenName(), Surname: me.GetPerson().GetSurname()}
			if c.Flags().Changed("given-name") {
				r.GivenName = given
			}
			if c.Flags().Changed("surname") {
				r.Surname = surname
			}
			w, err := p.session.UpdateMe(c.Context(), r)
			if err != nil {
				return err
			}
			return p.did(w, "changed your name")
		})
	}
	c.Flags().StringVar(&given, "given-name", "", "given name")
	c.Flags().StringVar(&surname, "surname", "", "surname")
	return c
}

func mePasswordCommand(a *app) *cobra.Command {
	var fromStdin, revoke bool
	c := a.ask("password", "Change your password", `Asks for the present password and for a new one. All your sessions end; tokens of machines,
that of this one among them, stay, unless --revoke-tokens ends them too. Who forgot the
password asks for a link with "pemba login --forgot".`, exactly(0, ""),
		func(ctx context.Context, p *portalClient, _ []string) error {
			me, err := p.session.GetMe(ctx, &portalv1.GetMeRequest{})
			if err != nil {
				return err
			}
			if me.GetPerson() == nil {
				return usagef("%s signs in with a key and has no password", me.GetOperator())
			}
			in := bufio.NewReader(p.stdin)
			present, err := p.password(in, "Present password: ", fromStdin)
			if err != nil {
				return err
			}
			password, err := p.password(in, "New password: ", fromStdin)
			if err != nil {
				return err
			}
			return a.changePassword(ctx, me.GetPerson().GetEmail(), &portalv1.ChangePasswordRequest{Present: present, Password: password, RevokeTokens: revoke})
		})
	c.Flags().BoolVar(&revoke, "revoke-tokens", false, "revoke all your tokens of machines, that of this one too")
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "read both passwords from stdin, a line each")
	return c
}

// changePassword changes a password in a session of its own: a token of a machine may
// not.
func (a *app) changePassword(ctx context.Context, email string, r *portalv1.ChangePasswordRequest) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	t.Token = ""
	return a.withAccess(ctx, t.access, func(p *portalClient) error {
		session, err := p.session.SignIn(ctx, &portalv1.SignInRequest{Email: email, Password: r.GetPresent()})
		if err != nil {
			return err
		}
		ctx := withToken(ctx, session.GetToken())
		w, err := p.session.ChangePassword(ctx, r)
		_, ending := p.session.SignOut(ctx, &portalv1.SignOutRequest{})
		if err := errors.Join(err, ending); err != nil {
			return err
		}
		and := ""
		if r.GetRevokeTokens() {
			and = ", and revoked your tokens"
		}
		return p.did(w, "changed your password and ended your sessions%s", and)
	})
}

func meSessionsCommand(a *app) *cobra.Command {
	var end string
	c := a.ask("sessions", "List or end your sessions", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		if end != "" {
			id := end
			if end == "all" {
				id = ""
			}
			w, err := p.session.EndMySession(ctx, &portalv1.EndMySessionRequest{Id: id})
			if err != nil {
				return err
			}
			return p.did(w, "ended: %s", end)
		}
		r, err := p.session.ListMySessions(ctx, &portalv1.ListMySessionsRequest{})
		if err != nil {
			return err
		}
		return p.sessions(r)
	})
	c.Flags().StringVar(&end, "end", "", "end the session of this id, or all")
	return c
}

// sessions prints sessions, and tokens of machines.
func (p *portalClient) sessions(r *portalv1.ListSessionsResponse) error {
	var rows []row
	for _, t := range r.GetTokens() {
		rows = append(rows, row{t, []string{t.GetId(), when(t.GetCreatedAt()), when(t.GetSeenAt()), when(t.GetExpiresAt()), "", "token", t.GetName()}})
	}
	for _, s := range r.GetSessions() {
		rows = append(rows, row{s, []string{s.GetId(), when(s.GetBegunAt()), when(s.GetSeenAt()), when(s.GetExpiresAt()), s.GetAddress(), s.GetBy(), s.GetAgent()}})
	}
	return p.rows([]string{"id", "begun", "seen", "expires", "from", "by", "agent"}, rows)
}
