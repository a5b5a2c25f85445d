package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func settingsCommands(a *app) *cobra.Command {
	return group("settings", "Policies, authenticators and clients of the identity provider", "", policiesCommand(a),
		group("authenticators", "Outside identity providers that sign people in", "", authenticatorListCommand(a), authenticatorSaveCommand(a), authenticatorDeleteCommand(a)),
		group("clients", "Portals of services that sign people in through Pemba", "", clientListCommand(a), clientSaveCommand(a), clientDeleteCommand(a)))
}

func policiesCommand(a *app) *cobra.Command {
	var changes []string
	c := a.ask("policies", "Show or change the security policies", `Shows the policies as they are, after the changes that --set makes, such as
--set failures=5 --set lockout_minutes=15.`, exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.settings.GetPolicies(ctx, &portalv1.GetPoliciesRequest{})
		if err != nil {
			return err
		}
		if len(changes) > 0 {
			for _, change := range changes {
				name, value, ok := strings.Cut(change, "=")
				if !ok {
					return usagef("--set %q: it looks like failures=5", change)
				}
				// What the server gave and one field are the new policies.
				patch := &portalv1.Policies{}
				if err := protojson.Unmarshal([]byte(fmt.Sprintf("{%q:%q}", name, value)), patch); err != nil {
					return usagef("--set %q: there is no such policy, or its value is no number", change)
				}
				into, from := r.GetPolicies().ProtoReflect(), patch.ProtoReflect()
				field := into.Descriptor().Fields().ByTextName(name)
				into.Set(field, from.Get(field))
			}
			if _, err := p.settings.SetPolicies(ctx, &portalv1.SetPoliciesRequest{Policies: r.GetPolicies(), IfVersion: &r.Version}); err != nil {
				return err
			}
		}
		var names, values []string
		fields := r.GetPolicies().ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			names = append(names, string(fields.Get(i).Name()))
			values = append(values, r.GetPolicies().ProtoReflect().Get(fields.Get(i)).String())
		}
		return p.facts(r.GetPolicies(), names, values...)
	})
	c.Flags().StringArrayVar(&changes, "set", nil, "a policy and its value; may be repeated")
	return c
}

func authenticatorListCommand(a *app) *cobra.Command {
	return a.ask("list", "List authenticators", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.settings.ListAuthenticators(ctx, &portalv1.ListAuthenticatorsRequest{})
		if err != nil {
			return err
		}
		var all []row
		for _, m := range r.GetAuthenticators() {
			domains := strings.Join(m.GetDomains(), " ")
			if m.GetAllOthers() {
				domains = strings.TrimSpace(domains + " (all others)")
			}
			all = append(all, row{m, []string{m.GetName(), m.GetIssuer(), domains, yesNo(m.GetEnabled()), m.GetRedirectUrl(), m.GetId()}})
		}
		return p.rows([]string{"name", "issuer", "domains", "enabled", "redirect url", "id"}, all)
	})
}

func authenticatorSaveCommand(a *app) *cobra.Command {
	var r portalv1.SaveAuthenticatorRequest
	var secretFile string
	var disabled bool
	c := a.ask("save NAME", "Create an authenticator, or replace the one of --id", "", exactly(1, "NAME"), func(ctx context.Context, p *portalClient, args []string) error {
		r.Name, r.Enabled = args[0], !disabled
		if secretFile != "" {
			text, err := a.readFile(secretFile)
			if err != nil {
				return err
			}
			r.ClientSecret = strings.TrimSpace(string(text))
		}
		made, err := p.settings.SaveAuthenticator(ctx, &r)
		if err != nil {
			return err
		}
		return p.facts(made.GetAuthenticator(), []string{"authenticator", "redirect url"}, made.GetAuthenticator().GetId(), made.GetAuthenticator().GetRedirectUrl())
	})
	c.Flags().StringVar(&r.Id, "id", "", "the authenticator to replace")
	c.Flags().StringVar(&r.Issuer, "issuer", "", "issuer of the OpenID Connect provider")
	c.Flags().StringVar(&r.ClientId, "client-id", "", "id of Pemba there")
	c.Flags().StringVar(&secretFile, "secret-file", "", "file with its secret; - is stdin")
	c.Flags().StringSliceVar(&r.Domains, "domain", nil, "domains of the e-mail addresses that it signs in")
	c.Flags().BoolVar(&r.AllOthers, "all-others", false, "and all domains that no other has")
	c.Flags().BoolVar(&disabled, "disabled", false, "keep it, and do not use it")
	return c
}

func authenticatorDeleteCommand(a *app) *cobra.Command {
	return a.ask("delete ID", "Delete an authenticator", "", exactly(1, "ID"), func(ctx context.Context, p *portalClient, args []string) error {
		w, err := p.settings.DeleteAuthenticator(ctx, &portalv1.DeleteAuthenticatorRequest{Id: args[0]})
		if err != nil {
			return err
		}
		return p.did(w, "deleted %s", args[0])
	})
}

func clientListCommand(a *app) *cobra.Command {
	return a.ask("list", "List clients", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.settings.ListClients(ctx, &portalv1.ListClientsRequest{})
		if err != nil {
			return err
		}
		p.note("the issuer is %s", r.GetIssuer())
		var all []row
		for _, m := range r.GetClients() {
			all = append(all, row{m, []string{m.GetName(), serviceWord(m.GetService()), strings.Join(m.GetRedirectUrls(), " "), yesNo(m.GetPublic()), m.GetPortalUrl(), m.GetId()}})
		}
		return p.rows([]string{"name", "service", "redirect urls", "public", "portal", "id"}, all)
	})
}

func clientSaveCommand(a *app) *cobra.Command {
	var r portalv1.SaveClientRequest
	c := a.ask("save SERVICE NAME", "Create the client of a service, or replace the one of --id", "The secret is printed once.", exactly(2, "SERVICE NAME"),
		func(ctx context.Context, p *portalClient, args []string) error {
			var err error
			if r.Service, err = parseService(args[0]); err != nil {
				return err
			}
			r.Name = args[1]
			made, err := p.settings.SaveClient(ctx, &r)
			if err != nil {
				return err
			}
			return p.facts(made, []string{"client", "secret"}, made.GetClient().GetId(), made.GetSecret())
		})
	c.Flags().StringVar(&r.Id, "id", "", "the client to replace")
	c.Flags().StringSliceVar(&r.RedirectUrls, "redirect-url", nil, "where the service takes the answer")
	c.Flags().StringSliceVar(&r.LogoutUrls, "logout-url", nil, "where people may go after signing out")
	c.Flags().StringVar(&r.PortalUrl, "portal-url", "", "where the portal of the service is")
	c.Flags().BoolVar(&r.Public, "public", false, "it has no secret, and proves itself by PKCE alone")
	c.Flags().BoolVar(&r.NewSecret, "new-secret", false, "replace the secret")
	return c
}

func clientDeleteCommand(a *app) *cobra.Command {
	return a.ask("delete ID", "Delete a client: nobody signs in to it any more", "", exactly(1, "ID"), func(ctx context.Context, p *portalClient, args []string) error {
		w, err := p.settings.DeleteClient(ctx, &portalv1.DeleteClientRequest{Id: args[0]})
		if err != nil {
			return err
		}
		return p.did(w, "deleted %s", args[0])
	})
}
