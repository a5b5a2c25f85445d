package main

import (
	"context"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func userActivateCommand(a *app) *cobra.Command {
	return a.onUser("activate", "Activate a user", "All roles that were kept work again.", func(ctx context.Context, p *portalClient, id, word string) error {
		w, err := p.people.ActivateUser(ctx, &portalv1.ActivateUserRequest{Id: id})
		if err != nil {
			return err
		}
		return p.did(w, "%s is active", word)
	})
}

func userDeactivateCommand(a *app) *cobra.Command {
	var dry bool
	var successor string
	c := a.onUser("deactivate", "Deactivate a user", `Every role is kept, and none works, at once. Whoever is the only active
administrator, or owner of a subscription, names a successor, who gets that and
the workspaces of which nobody else is owner.`, func(ctx context.Context, p *portalClient, id, word string) error {
		heir := ""
		if successor != "" {
			var err error
			if heir, err = p.user(ctx, successor); err != nil {
				return err
			}
		}
		if dry {
			r, err := p.people.PreviewDeactivation(ctx, &portalv1.PreviewDeactivationRequest{Id: id, Successor: heir})
			if err != nil {
				return err
			}
			return p.effects(r, r.GetEffects(), r.GetAllowed())
		}
		w, err := p.people.DeactivateUser(ctx, &portalv1.DeactivateUserRequest{Id: id, Successor: heir})
		if err != nil {
			return err
		}
		return p.did(w, "%s is deactivated", word)
	})
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would happen")
	c.Flags().StringVar(&successor, "successor", "", "who gets what nobody else is")
	return c
}

func userInviteCommand(a *app) *cobra.Command {
	return a.onUser("invite", "Send a new activation link", "The link before is void.", func(ctx context.Context, p *portalClient, id, word string) error {
		w, err := p.people.ResendInvitation(ctx, &portalv1.ResendInvitationRequest{Id: id})
		if err != nil {
			return err
		}
		return p.did(w, "invited %s", word)
	})
}

func userSessionsCommand(a *app) *cobra.Command {
	var end string
	c := a.onUser("sessions", "List or end the sessions of a user", `Tokens by which machines act as the user are listed too, and end with all sessions.`, func(ctx context.Context, p *portalClient, id, word string) error {
		if end != "" {
			session := end
			if end == "all" {
				session = ""
			}
			w, err := p.people.EndUserSessions(ctx, &portalv1.EndUserSessionsRequest{Id: id, SessionId: session})
			if err != nil {
				return err
			}
			return p.did(w, "ended: sessions of %s", word)
		}
		r, err := p.people.ListUserSessions(ctx, &portalv1.ListUserSessionsRequest{Id: id})
		if err != nil {
			return err
		}
		return p.sessions(r)
	})
	c.Flags().StringVar(&end, "end", "", "end the session, or revoke the token, of this id, or all of both")
	return c
}
