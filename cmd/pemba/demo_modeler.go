package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/cmd/pemba/modeler"
)

// modelerFlags say whose portal the modeler is. Secrets come by the environment, where
// no list of processes shows them.
type modelerFlags struct{ addr, url, issuer, clientID, portal string }

const (
	modelerSecretEnv = "PEMBA_MODELER_CLIENT_SECRET"
	modelerKeyEnv    = "PEMBA_MODELER_KEY"
)

// modelerServes begins the line that says that it serves, and where.
const modelerServes = "Modeler Services  "

func demoModelerCommand(a *app) *cobra.Command {
	var f modelerFlags
	c := &cobra.Command{
		Use:   "demo-modeler",
		Short: "Serve a small portal of a service that stands on Pemba",
		Long: `Serves "Modeler Services", which shows how a service uses Pemba: it signs people in by
the private identity provider, and asks Pemba for every action. The server is named as
for every command (--endpoint); ` + modelerKeyEnv + ` has a key of it with the role check,
and ` + modelerSecretEnv + ` the secret of the client.`,
		Example: "  pemba settings clients save modeler 'Modeler Services' --redirect-url http://127.0.0.1:8090/callback\n" +
			"  PEMBA_MODELER_CLIENT_SECRET=… PEMBA_MODELER_KEY=… pemba demo-modeler --client-id ID --issuer http://127.0.0.1:8080/oidc --endpoint 127.0.0.1:50051 --insecure",
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error { return a.demoModeler(c.Context(), &f) },
	}
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8090", "address to listen on")
	c.Flags().StringVar(&f.url, "url", "", "where browsers reach it (default: http:// and the address)")
	c.Flags().StringVar(&f.issuer, "issuer", "http://127.0.0.1:8080/oidc", "issuer of the identity provider")
	c.Flags().StringVar(&f.clientID, "client-id", "", "id of the client")
	c.Flags().StringVar(&f.portal, "portal-url", "http://127.0.0.1:8080/console/", "where the Customer Portal is, for a link")
	return c
}

func (a *app) demoModeler(ctx context.Context, f *modelerFlags) (err error) {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return usagef("demo-modeler asks a server: give --endpoint HOST:PORT")
	}
	t.Token = "" // it shows its key, and the tokens of people
	conn, err := dial(t.access)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", f.addr, err)
	}
	if f.url == "" {
		f.url = "http://" + listener.Addr().String()
	}
	handler, err := modeler.New(modeler.Config{
		URL: strings.TrimSuffix(f.url, "/"), Issuer: f.issuer, ClientID: f.clientID, ClientSecret: os.Getenv(modelerSecretEnv),
		Pemba: conn, Key: os.Getenv(modelerKeyEnv), Portal: f.portal, Logger: newLogger(a.stderr, "info", "text"),
	})
	if err != nil {
		return errors.Join(usagef("%w", err), listener.Close())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	a.note("%s%s", modelerServes, f.url)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(stop)
	}
}
