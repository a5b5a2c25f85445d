package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func companyCommands(a *app) *cobra.Command {
	return group("company", "Companies of an installation", "What operators do: their key has the role admin, or they are operators of the installation.",
		companyCreateCommand(a), companyListCommand(a))
}

func companyCreateCommand(a *app) *cobra.Command {
	var r portalv1.CreateCompanyRequest
	c := a.ask("create NAME", "Create a company with its first administrator", `Creates a company and its first administrator, and prints the link by which he sets his
password. With --no-link none is made.`, exactly(1, "NAME"),
		func(ctx context.Context, p *portalClient, args []string) error {
			r.Name = args[0]
			made, err := p.operators.CreateCompany(ctx, &r)
			if err != nil {
				return err
			}
			return p.facts(made, []string{"company", "administrator", "link"},
				made.GetCompany().GetId(), made.GetAdministratorId(), made.GetActivationLink())
		})
	c.Flags().StringVar(&r.Id, "id", "", "id of the company (default: made from the name)")
	c.Flags().StringVar(&r.AdministratorEmail, "admin", "", "e-mail address of the administrator")
	c.Flags().StringVar(&r.AdministratorGivenName, "given-name", "", "given name of the administrator")
	c.Flags().StringVar(&r.AdministratorSurname, "surname", "", "surname of the administrator")
	c.Flags().BoolVar(&r.NoLink, "no-link", false, "make no activation link")
	return c
}

func companyListCommand(a *app) *cobra.Command {
	var f paged
	c := a.ask("list [TEXT]", "List companies", "Lists the companies whose name or id has the text in it.", between(0, 1, "at most TEXT"),
		func(ctx context.Context, p *portalClient, args []string) error {
			all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
				r, err := p.operators.ListCompanies(ctx, &portalv1.ListCompaniesRequest{Paging: page, Search: strings.Join(args, "")})
				var out []row
				for _, c := range r.GetCompanies() {
					var services []string
					for _, s := range c.GetServices() {
						services = append(services, serviceWord(s))
					}
					out = append(out, row{c, []string{c.GetId(), c.GetName(), fmt.Sprint(c.GetUsers()), strings.Join(services, " "), when(c.GetCreatedAt())}})
				}
				return out, r.GetPage(), err
			})
			if err != nil {
				return err
			}
			return p.rows([]string{"id", "name", "users", "services", "created"}, all)
		})
	f.declare(c)
	return c
}

func operatorCommands(a *app) *cobra.Command {
	set := a.ask("set EMAIL operator|observer|none", "Give a person the workbench and the operations", `An operator may do everything that a key of the role admin may, an observer may look. With
none the person is neither.`, exactly(2, "EMAIL operator|observer|none"),
		func(ctx context.Context, p *portalClient, args []string) error {
			role := args[1]
			if role == "none" {
				role = ""
			}
			w, err := p.operators.SetOperator(ctx, &portalv1.SetOperatorRequest{Email: args[0], Role: role})
			if err != nil {
				return err
			}
			return p.did(w, "%s: %s", args[0], args[1])
		})
	list := a.ask("list", "List operators and observers", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.operators.ListOperators(ctx, &portalv1.ListOperatorsRequest{})
		if err != nil {
			return err
		}
		var all []row
		for _, o := range r.GetOperators() {
			all = append(all, row{o, []string{personWords(o.GetPerson()), o.GetCompanyId(), o.GetRole()}})
		}
		return p.rows([]string{"who", "company", "role"}, all)
	})
	return group("operator", "Who runs the installation", "", set, list)
}
