// Command pemba is Pemba's one binary.
//
// It holds the words a user types and nothing of what they mean: rules are in
// engine and schema, data in server. This file is the command table and the exit
// codes; each group of commands has a file of its own. Every command that needs
// stored data talks to a client (client.go): of a server (remote.go) or of a node
// in this process (node.go), whichever target.go finds named. output.go, errors.go
// and status.go say how all of them answer.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes, for scripts.
const (
	exitOK          = 0
	exitFailure     = 1 // it went wrong: a file, the disk, a fault of ours
	exitUsage       = 2 // the command line makes no sense
	exitNegative    = 3 // decided, and the answer is no: no permission, validation failed, schemas differ
	exitRefused     = 4 // the rules forbid it: the schema, a constraint, a limit, an old revision
	exitUnavailable = 5 // not now: the store is in use, the server cannot be reached
	exitConflict    = 6 // the data is not what the caller took it for: it exists already, a precondition failed
)

// run is the whole program: it parses args, does what they say and returns the
// exit code. Data goes to stdout, all else to stderr.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.report(root.ExecuteContext(ctx))
}

// app is what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	root    *cobra.Command // has the flags of all commands
	running *cobra.Command // the one that was called

	format   string // -o
	endpoint string // --endpoint
	context  string // --context
	token    string // --token
	insecure bool   // --insecure
	ca       string // --ca
	cert     string // --cert
	key      string // --key

	dataDir   string // --data-dir
	cacheSize string // --cache-size

	retention          time.Duration // --retention
	retentionRevisions uint64        // --retention-revisions
}

func newRoot(a *app) *cobra.Command {
	root := group("pemba", "Answers who may do what, from relationships", `Pemba answers "may this user do that on this thing" from relationships and a schema.

A first look, without a store:   pemba validate testdata/portal
A store in a directory:          pemba schema write schema.zed --data-dir DIR
                                 pemba relationship import relationships.txt --data-dir DIR
                                 pemba check document:plan view user:ana --explain --data-dir DIR
A server:                        pemba context set dev localhost:50051 KEY --insecure
                                 pemba check document:plan view user:ana --explain

Exit codes: 0 done, 1 failure, 2 wrong command line, 3 decided and negative
(check --exit-status without permission, validate failed, diff differs),
4 refused by a rule, 5 unavailable, 6 conflict.`,
		checkCommand(a),
		expandCommand(a),
		lookupResourcesCommand(a),
		lookupSubjectsCommand(a),
		permissionCommands(a),
		relationshipCommands(a),
		schemaCommands(a),
		watchCommand(a),
		backupCommands(a),
		clusterCommands(a),
		nodeCommands(a),
		contextCommands(a),
		validateCommand(a),
		assertionCommands(a),
		debugCommands(a),
		loginCommand(a),
		logoutCommand(a),
		whoamiCommand(a),
		meCommands(a),
		tokenCommands(a),
		companyCommands(a),
		subscriptionCommands(a),
		userCommands(a),
		adminCommands(a),
		groupCommands(a),
		workspaceCommands(a),
		diagramCommands(a),
		settingsCommands(a),
		operatorCommands(a),
		auditCommands(a),
		serveCommand(a),
		serveTestingCommand(a),
		demoCommand(a),
		demoModelerCommand(a),
		healthCommand(a),
		keyCommands(a),
		versionCommand(a),
	)
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w (see %s --help)", err, c.CommandPath())
	})
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		demandCommand(completion) // cobra's own only prints help
	}
	a.declareFlags(root)
	complete(root, "output", formats...)
	completeFrom(root, "context", completeContexts)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if err := c.ValidateFlagGroups(); err != nil {
			return usagef("%w", err)
		}
		a.running = c
		return a.checkFormat(c)
	}
	return root
}

// declareFlags declares the flags of all commands.
func (a *app) declareFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	a.root = root
	flags.StringVarP(&a.format, "output", "o", "auto", "how to print data: auto, table, json, jsonl, yaml or csv")
	flags.StringVar(&a.endpoint, "endpoint", "", "server to talk to, as HOST:PORT (or PEMBA_ENDPOINT)")
	flags.StringVar(&a.context, "context", "", "context to talk to instead of the current one")
	flags.StringVar(&a.token, "token", "", "token for the server (or PEMBA_TOKEN)")
	flags.BoolVar(&a.insecure, "insecure", false, "talk to the server in plain text, without TLS (or PEMBA_INSECURE)")
	flags.StringVar(&a.ca, "ca", "", "file with who signed the server's certificate (or PEMBA_CA)")
	flags.StringVar(&a.cert, "cert", "", "PEM file of this client's certificate, for a server that demands one (or PEMBA_CERT)")
	flags.StringVar(&a.key, "key", "", "PEM file of its private key (or PEMBA_KEY)")
	flags.StringVar(&a.dataDir, "data-dir", "", "directory of a store to work on without a server (or PEMBA_DATA_DIR)")
	flags.StringVar(&a.cacheSize, "cache-size", os.Getenv("PEMBA_CACHE_SIZE"), "memory for the cache of the store, such as 512MiB (default: a quarter of the memory)")
	flags.DurationVar(&a.retention, "retention", 24*time.Hour, "how long a revision stays readable")
	flags.Uint64Var(&a.retentionRevisions, "retention-revisions", 5_000_000, "and of those, how many of the newest")
}

// group is a command that only holds others: without one of them it is a wrong
// command line, not a success that printed help.
func group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long}
	c.AddCommand(commands...)
	demandCommand(c)
	return c
}

// demandCommand makes a wrong command line of a group without one of its
// commands.
func demandCommand(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return needs(c, "a command")
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = ", did you mean " + near[0] + "?"
		}
		return usagef("%s has no command %q%s (see %s --help)", verb(c), args[0], hint, c.CommandPath())
	}
}
