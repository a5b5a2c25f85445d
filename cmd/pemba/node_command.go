package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

func nodeCommands(a *app) *cobra.Command {
	return group("node", "What a server says of itself", "", nodeFactsCommand(a), nodeSettingsCommand(a), nodeLogCommand(a))
}

// nodeAnswer prints an answer of a node: for people by text, else as it is.
func (a *app) nodeAnswer(m proto.Message, text string) error {
	data, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return err
	}
	return a.one([]string{"answer"}, item{text: text, cells: []string{string(data)}, value: json.RawMessage(data)})
}

func nodeFactsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "facts",
		Short:   "Build, runtime, log, database and caches of the server that answers",
		Example: "  pemba node facts\n  pemba node facts -o json",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				d, err := cl.nodes.DescribeNode(c.Context(), &consolev1.DescribeNodeRequest{})
				if err != nil {
					return err
				}
				return a.nodeAnswer(d, factsText(d))
			})
		},
	}
}

// factsText is what people want to know first.
func factsText(d *consolev1.DescribeNodeResponse) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	build, run, raft, db, cache := d.GetBuild(), d.GetRuntime(), d.GetRaft(), d.GetDatabase(), d.GetCache()
	line("node", "%s %s", d.GetNode(), d.GetName())
	line("build", "%s %s %s", build.GetVersion(), build.GetGoVersion(), build.GetPlatform())
	line("started", "%s", run.GetStarted().AsTime().Format(time.RFC3339))
	line("runtime", "%d goroutines, %s of heap, %s of memory, %d collections", run.GetGoroutines(), sizeText(run.GetHeapBytes()), sizeText(run.GetMemoryBytes()), run.GetCollections())
	line("serving", "%d calls, %d streams, %d watches", run.GetCalls(), run.GetStreams(), run.GetWatches())
	line("raft", "%s in term %d, committed %d, applied %d of %d", raft.GetState(), raft.GetTerm(), raft.GetCommitIndex(), raft.GetAppliedIndex(), raft.GetLastIndex())
	line("database", "%d relationships, revisions %d to %d, %s in tables", db.GetRelationships(), db.GetFloor(), db.GetHead(), sizeText(db.GetBytes()))
	if !db.GetInMemory() {
		line("disk", "%s of %s free", sizeText(db.GetFreeBytes()), sizeText(db.GetTotalBytes()))
	}
	line("cache", "%d sets, %s of %s, %d hits, %d misses", cache.GetEntries(), sizeText(cache.GetBytes()), sizeText(cache.GetMaxBytes()), cache.GetHits(), cache.GetMisses())
	if raft.GetNotServing() != "" {
		line("not serving", "%s", raft.GetNotServing())
	}
	_ = w.Flush() // it writes into memory
	return strings.TrimSuffix(b.String(), "\n")
}

// sources are the words for where settings come from.
var sources = map[consolev1.Setting_Source]string{
	consolev1.Setting_SOURCE_DEFAULT: "default", consolev1.Setting_SOURCE_COMMAND_LINE: "command line",
	consolev1.Setting_SOURCE_ENVIRONMENT: "environment", consolev1.Setting_SOURCE_FILE: "file",
}

func nodeSettingsCommand(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "settings",
		Short: "Settings in force, and where each comes from",
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.nodes.ReadSettings(c.Context(), &consolev1.ReadSettingsRequest{})
				if err != nil {
					return err
				}
				out := a.list("name", "value", "source", "origin")
				for _, s := range r.GetSettings() {
					if !all && s.GetSource() == consolev1.Setting_SOURCE_DEFAULT {
						continue
					}
					d := settingJSON{s.GetName(), s.GetValue(), sources[s.GetSource()], s.GetOrigin()}
					text := fmt.Sprintf("--%s %s (%s)", d.Name, d.Value, strings.TrimSpace(d.Source+" "+d.Origin))
					if err := out.add(item{text: text, cells: []string{d.Name, d.Value, d.Source, d.Origin}, value: d}); err != nil {
						return err
					}
				}
				return out.close()
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "those with their defaults, too")
	return c
}

// settingJSON is a setting, as data.
type settingJSON struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Origin string `json:"origin,omitempty"`
}

func nodeLogCommand(a *app) *cobra.Command {
	var limit uint32
	var level string
	c := &cobra.Command{
		Use:   "log",
		Short: "The newest lines of the log, as far as the server keeps them",
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error { return a.printServerLog(c.Context(), cl, level, limit) })
		},
	}
	c.Flags().Uint32Var(&limit, "limit", 100, "how many lines at most; 1,000 is the most")
	c.Flags().StringVar(&level, "level", "", "the least level: debug, info, warn or error (default: all)")
	return c
}

// logLineJSON is a line of a log, as data.
type logLineJSON struct {
	Time    string            `json:"time"`
	Level   string            `json:"level"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"`
}

func (a *app) printServerLog(ctx context.Context, cl *client, level string, limit uint32) error {
	r, err := cl.nodes.ReadLog(ctx, &consolev1.ReadLogRequest{Level: level, OptionalLimit: limit})
	if err != nil {
		return err
	}
	out := a.list("time", "level", "message", "fields")
	for _, l := range r.GetLines() {
		d := logLineJSON{Time: l.GetTime().AsTime().Format(time.RFC3339Nano), Level: l.GetLevel(), Message: l.GetMessage()}
		var fields []string
		for _, f := range l.GetFields() {
			if d.Fields == nil {
				d.Fields = map[string]string{}
			}
			d.Fields[f.GetName()] = f.GetValue()
			fields = append(fields, fmt.Sprintf("%s=%q", f.GetName(), f.GetValue()))
		}
		rest := strings.Join(fields, " ")
		text := strings.TrimSpace(fmt.Sprintf("%s %-5s %s %s", d.Time, d.Level, d.Message, rest))
		if err := out.add(item{text: text, cells: []string{d.Time, d.Level, d.Message, rest}, value: d}); err != nil {
			return err
		}
	}
	return out.close()
}
