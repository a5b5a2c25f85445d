package main

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func contextCommands(a *app) *cobra.Command {
	return group("context", "Keep servers under names", `A context is a server with a name: its endpoint, its token and how to reach it. They
are kept in $XDG_CONFIG_HOME/pemba/config.yaml (~/.config without it), which only its
owner can read. Commands talk to the current context unless --endpoint, --context,
--data-dir, PEMBA_ENDPOINT or PEMBA_DATA_DIR say otherwise.`,
		contextSetCommand(a),
		contextUseCommand(a),
		contextListCommand(a),
		contextShowCommand(a),
		contextRemoveCommand(a),
	)
}

func contextSetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME ENDPOINT [TOKEN|-]",
		Short: "Make or replace a context and use it",
		Long: `Makes or replaces a context and makes it the current one. A token of "-" is read from
stdin, so that it stands in no history of a shell. --insecure, --ca, --cert and
--key are kept, too.`,
		Example: "  pemba context set dev localhost:50051 - --insecure < key",
		Args:    between(2, 3, "NAME ENDPOINT [TOKEN|-]"),
		RunE: func(_ *cobra.Command, args []string) error {
			server, err := a.newAccess(args[1:])
			if err != nil {
				return err
			}
			if err := checkContextName(args[0]); err != nil {
				return err
			}
			return a.changeContexts(func(c *contexts) error {
				c.Contexts[args[0]], c.Current = server, args[0]
				return a.printContext(*c, args[0])
			})
		},
		ValidArgsFunction: completeOneContext,
	}
}

// newAccess makes what a context keeps of the arguments ENDPOINT [TOKEN|-] and
// the flags.
func (a *app) newAccess(args []string) (access, error) {
	endpoint, err := parseEndpoint(args[0])
	if err != nil {
		return access{}, err
	}
	server := access{Endpoint: endpoint, Token: a.token, Insecure: a.insecure, CA: a.ca, Cert: a.cert, Key: a.key}
	if len(args) == 2 {
		if a.root.PersistentFlags().Changed("token") {
			return access{}, usagef("the token is given twice: as an argument and as --token")
		}
		server.Token = args[1]
	}
	if server.Token == stdinName {
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return access{}, err
		}
		if server.Token = strings.TrimSpace(line); server.Token == "" {
			return access{}, usagef("stdin holds no token")
		}
	}
	return server, server.check()
}

func checkContextName(name string) error {
	for _, r := range name {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r)) {
			return usagef("context name %q: it is made of letters, digits and . _ -", name)
		}
	}
	if name == "" {
		return usagef("the context needs a name")
	}
	return nil
}

// changeContexts changes the contexts and keeps them.
func (a *app) changeContexts(change func(*contexts) error) error {
	c, err := loadContexts()
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	return c.save()
}

func contextUseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Make a context the current one",
		Args:  exactly(1, "NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.changeContexts(func(c *contexts) error {
				name, _, err := c.find(args[0])
				if err != nil {
					return err
				}
				c.Current = name
				return a.printContext(*c, name)
			})
		},
		ValidArgsFunction: completeOneContext,
	}
}

func contextListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the contexts; * marks the current one",
		Args:  exactly(0, ""),
		RunE: func(*cobra.Command, []string) error {
			c, err := loadContexts()
			if err != nil {
				return err
			}
			p := a.list(contextColumns...)
			for _, name := range c.names() {
				if err := p.add(contextItem(c, name)); err != nil {
					return err
				}
			}
			return p.close()
		},
	}
}

func contextShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show a context, the current one without NAME",
		Args:  between(0, 1, "[NAME]"),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := loadContexts()
			if err != nil {
				return err
			}
			name, _, err := c.find(strings.Join(args, ""))
			if err != nil {
				return err
			}
			return a.printContext(c, name)
		},
		ValidArgsFunction: completeOneContext,
	}
}

func contextRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget a context and its token",
		Args:  exactly(1, "NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.changeContexts(func(c *contexts) error {
				name, _, err := c.find(args[0])
				if err != nil {
					return err
				}
				delete(c.Contexts, name)
				if c.Current == name {
					c.Current = ""
				}
				return nil
			})
		},
		ValidArgsFunction: completeOneContext,
	}
}

// contextJSON is a context as data. The token is never printed.
type contextJSON struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	Current  bool   `json:"current"`
	Token    bool   `json:"token"` // whether it has one
	Insecure bool   `json:"insecure"`
	CA       string `json:"ca,omitempty"`
	Cert     string `json:"cert,omitempty"`
	Key      string `json:"key,omitempty"` // its file
}

var contextColumns = []string{"current", "name", "endpoint", "token", "transport"}

func contextItem(c contexts, name string) item {
	server := c.Contexts[name]
	data := contextJSON{name, server.Endpoint, name == c.Current, server.Token != "", server.Insecure, server.CA, server.Cert, server.Key}
	mark, token, transport := "", "without a token", "TLS"
	if data.Current {
		mark = "*"
	}
	if data.Token {
		token = "with a token"
	}
	switch {
	case data.Insecure:
		transport = "plain text"
	case data.CA != "":
		transport = "TLS by " + data.CA
	}
	if data.Cert != "" {
		transport += " with " + data.Cert
	}
	text := name + ": " + data.Endpoint + ", " + token + ", " + transport
	if data.Current {
		text = "* " + text
	} else {
		text = "  " + text
	}
	return item{text: text, cells: []string{mark, name, data.Endpoint, token, transport}, value: data}
}

func (a *app) printContext(c contexts, name string) error {
	return a.one(contextColumns, contextItem(c, name))
}

// completeOneContext offers the names of the contexts for the first argument.
func completeOneContext(c *cobra.Command, before []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(before) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeContexts(c, before, prefix)
}

// completeContexts offers the names of the contexts.
func completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	// An error here has no place to go: the shell waits for words.
	c, _ := loadContexts()
	return c.names(), cobra.ShellCompDirectiveNoFileComp
}
