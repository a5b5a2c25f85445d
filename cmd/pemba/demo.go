package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
)

// demoFlags say where the demo listens and how much it makes.
type demoFlags struct {
	grpcAddr, httpAddr, metricsAddr, modelerAddr string
	size                                         demoSize
}

func demoCommand(a *app) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Serve a made-up company: the portal, the console and a service",
		Long: `Serves from memory, until it is interrupted: the Customer Portal with a company of some
size, its console, and Modeler Services, the portal of a service that stands on Pemba. It
prints where they are, three accounts with passwords of this run, and what to try.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), &f) },
	}
	c.Flags().StringVar(&f.grpcAddr, "grpc-addr", "127.0.0.1:50051", "address of gRPC")
	c.Flags().StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "address of the console and of HTTP")
	c.Flags().StringVar(&f.metricsAddr, "metrics-addr", "127.0.0.1:9090", "address of metrics")
	c.Flags().StringVar(&f.modelerAddr, "modeler-addr", "127.0.0.1:8090", "address of Modeler Services")
	c.Flags().IntVar(&f.size.users, "users", 200, "users of the company, at least 20")
	c.Flags().IntVar(&f.size.models, "models", 60, "models, at least 2")
	c.Flags().IntVar(&f.size.diagrams, "diagrams", 400, "diagrams in them")
	return c
}

// postbox keeps the newest mail of each address: the demo opens the links itself.
type postbox struct {
	mu    sync.Mutex
	mails map[string]string
	came  chan struct{}
}

func newPostbox() *postbox { return &postbox{mails: map[string]string{}, came: make(chan struct{}, 1)} }

// Send takes a mail.
func (b *postbox) Send(_ context.Context, to, _, text string) error {
	b.mu.Lock()
	b.mails[strings.ToLower(to)] = text
	b.mu.Unlock()
	select {
	case b.came <- struct{}{}:
	default:
	}
	return nil
}

// link waits for the one-time token that was sent to an address.
func (b *postbox) link(ctx context.Context, to string) (string, error) {
	for {
		b.mu.Lock()
		text := b.mails[strings.ToLower(to)]
		b.mu.Unlock()
		if _, after, ok := strings.Cut(text, "/invite/"); ok {
			token, _, _ := strings.Cut(after, "\n")
			return url.PathUnescape(strings.TrimSpace(token))
		}
		select {
		case <-b.came:
		case <-ctx.Done():
			return "", fmt.Errorf("no link was sent to %s: %w", to, ctx.Err())
		}
	}
}

// demoFill bounds how long the company takes to be made.
const demoFill = 5 * time.Minute

// demo serves until ctx ends.
func (a *app) demo(ctx context.Context, f *demoFlags) (err error) {
	if f.size.users < 20 || f.size.models < 2 || f.size.diagrams < 0 {
		return usagef("a company has at least 20 users and 2 models")
	}
	log := newLogger(a.stderr, "error", "auto")
	var serve serveFlags
	serve.declare(pflag.NewFlagSet("demo", pflag.ContinueOnError))
	serve.inMemory, serve.portal.on, serve.cacheSize = true, true, a.cacheSize
	serve.retention, serve.retentionRevisions = a.retention, a.retentionRevisions
	serve.grpcAddr, serve.httpAddr, serve.metricsAddr = f.grpcAddr, f.httpAddr, f.metricsAddr
	dir, err := os.MkdirTemp("", "pemba-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	operatorKey, serviceKey, err := demoKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	serve.keyFile = filepath.Join(dir, "keys")
	s, err := serve.settings(log)
	if err != nil {
		return err
	}
	box := newPostbox()
	s.mailer = box
	n := &daemon{log: log, grace: serve.grace}
	if err := n.start(ctx, &serve, s); err != nil {
		return errors.Join(err, n.stop())
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	d := &demo{app: a, size: f.size, box: box, consoleURL: n.url(n.http) + "/console/", grpc: n.grpc.Addr().String(), operatorKey: operatorKey}
	if d.modelerAddr, err = freeAddr(f.modelerAddr); err != nil {
		return fmt.Errorf("--modeler-addr %s: %w", f.modelerAddr, err)
	}
	a.note("making a company …")
	filling, cancel := context.WithTimeout(ctx, demoFill)
	defer cancel()
	var code string
	select {
	case code = <-n.codes:
	case err := <-n.failed:
		return err
	case <-filling.Done():
		return errors.New("the portal did not begin")
	}
	if err := d.fill(filling, code); err != nil {
		return fmt.Errorf("making the company: %w", err)
	}
	modeler, err := d.startModeler(ctx, n.url(n.http), serviceKey)
	if err != nil {
		return err
	}
	d.tour()
	err = n.run(ctx, func(string) error { return nil })
	return errors.Join(err, modeler())
}

// demoKeys makes a key for whoever looks around as an operator, and one for the
// service, and the file of their hashes.
func demoKeys(file string) (operator, service string, err error) {
	operator, first, err := server.NewKey("demo", server.RoleAdmin)
	if err != nil {
		return "", "", err
	}
	service, second, err := server.NewKey("modeler", server.RoleCheck)
	if err != nil {
		return "", "", err
	}
	return operator, service, os.WriteFile(file, []byte(first+"\n"+second+"\n"), 0o600)
}

// freeAddr returns an address with a port that is free at the moment in place of 0.
func freeAddr(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startModeler starts Modeler Services as a process of its own, and waits until it
// serves. The function that it returns waits for its end.
func (d *demo) startModeler(ctx context.Context, publicURL, key string) (stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, "demo-modeler", "--addr", d.modelerAddr, "--issuer", publicURL+"/oidc",
		"--client-id", d.clientID, "--portal-url", d.consoleURL, "--endpoint", d.grpc, "--insecure")
	c.Env = append(os.Environ(), modelerSecretEnv+"="+d.clientSecret, modelerKeyEnv+"="+key)
	said, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("starting Modeler Services: %w", err)
	}
	serves, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		d.passOn(said, func() { close(serves) })
		ended <- c.Wait()
	}()
	stop = func() error {
		if err := <-ended; err != nil && ctx.Err() == nil {
			return fmt.Errorf("the process of Modeler Services: %w", err)
		}
		return nil
	}
	select {
	case <-serves:
		return stop, nil
	case err := <-ended:
		return nil, fmt.Errorf("the process of Modeler Services ended before it served: %w", errors.Join(err, ctx.Err()))
	}
}

// passOn repeats what Modeler Services says, but for the line that it serves, for which
// it calls serves: the tour has the address, and is what should be read last.
func (d *demo) passOn(said io.Reader, serves func()) {
	lines := bufio.NewReader(said)
	for waits := true; ; {
		line, err := lines.ReadString('\n')
		if waits && strings.HasPrefix(line, modelerServes) {
			waits = false
			serves()
		} else {
			_, _ = io.WriteString(d.stderr, line)
		}
		if err != nil {
			return
		}
	}
}

// tour says where everything is and what to try.
func (d *demo) tour() {
	_, _ = fmt.Fprintf(d.stdout, `
serving
  Console            %s
  Modeler Services   http://%s/
  gRPC               %s

Accounts of this run
  administrator        %-34s %s
  subscription owner   %-34s %s
  editor               %-34s %s
  operator's API key   %s

A tour of two minutes
  1. Sign in to the console as the administrator: Home has a card for each service.
  2. People: search for “claims”, open somebody, and see what he may do and why.
  3. Modeler → “%s” → Share: make somebody contributor, and see what it replaces.
  4. In another browser open Modeler Services as the editor: open “%s”, check out its
     first diagram, change it, save.
  5. Back in the console make the editor a contributor. In the other browser save again:
     refused, at once, with the reason and who can give the right back.
  6. Audit log: who did what, from where, and which relationships allowed it.
  7. Check, in the workbench: model:%s, edit, user:%s.

Until Ctrl-C.
`, d.consoleURL, d.modelerAddr, d.grpc,
		d.admin.email, d.admin.password, d.owner.email, d.owner.password, d.editor.email, d.editor.password, d.operatorKey,
		d.modelName, d.modelName, d.model, d.editor.id)
}
