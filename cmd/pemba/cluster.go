package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pemba-authz/pemba/server"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

func clusterCommands(a *app) *cobra.Command {
	return group("cluster", "See and change the members of a cluster", `Any member answers, and passes on what is the leader's to do; join and drain are about
the server that is asked. A member is named by its id, by its name or its raft address
if no other has the same, or by the first characters of its id.`,
		clusterStatusCommand(a),
		clusterMembersCommand(a),
		clusterJoinCommand(a),
		clusterRemoveCommand(a),
		clusterVoteCommand(a, "promote", "Give a member a vote", "voter",
			`Gives a member a vote at once. Autopilot does so by itself with those that have joined as
voters, when they have been healthy for a while.`,
			func(ctx context.Context, cl *client, id string) error {
				_, err := cl.clusters.Promote(ctx, &pembav1.PromoteRequest{Id: id})
				return err
			}),
		clusterVoteCommand(a, "demote", "Take a member's vote", "read replica",
			`Makes a read replica of a member: it goes on to serve, and is not counted in votes.`,
			func(ctx context.Context, cl *client, id string) error {
				_, err := cl.clusters.Demote(ctx, &pembav1.DemoteRequest{Id: id})
				return err
			}),
		clusterTransferCommand(a),
		clusterDrainCommand(a),
		clusterAutopilotCommand(a),
		clusterRecoverCommand(a),
	)
}

// withCluster runs f with a client of a server: what a command does to a cluster
// cannot be done to a directory.
func (a *app) withCluster(ctx context.Context, f func(*client) error) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return usagef("%s asks a server that runs, not a directory: give --endpoint HOST:PORT", verb(a.running))
	}
	return a.withClient(ctx, f)
}

// member finds the member that a person names.
func (c *client) member(ctx context.Context, word string) (*pembav1.Member, error) {
	status, err := c.clusters.Status(ctx, &pembav1.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return findMember(status.GetMembers(), word)
}

// minPrefix is how many characters of an id name a member.
const minPrefix = 4

// findMember looks for an id first, then for what names one member alone.
func findMember(members []*pembav1.Member, word string) (*pembav1.Member, error) {
	for _, fits := range []func(*pembav1.Member) bool{
		func(m *pembav1.Member) bool { return m.GetId() == word },
		func(m *pembav1.Member) bool { return word != "" && (m.GetName() == word || m.GetAddress() == word) },
		func(m *pembav1.Member) bool { return len(word) >= minPrefix && strings.HasPrefix(m.GetId(), word) },
	} {
		var found []*pembav1.Member
		for _, m := range members {
			if fits(m) {
				found = append(found, m)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return nil, refusedf("%q names several members: %s; give an id", word, memberNames(found))
		}
	}
	if len(members) == 0 {
		return nil, refusedf("%q names no member: the server has no cluster yet", word)
	}
	return nil, refusedf("%q names no member; there are %s", word, memberNames(members))
}

func memberNames(members []*pembav1.Member) string {
	var names []string
	for _, m := range members {
		names = append(names, memberName(m))
	}
	return strings.Join(names, ", ")
}

// memberName is what people are told of a member.
func memberName(m *pembav1.Member) string {
	if m.GetName() == "" {
		return m.GetId()
	}
	return m.GetId() + " (" + m.GetName() + ")"
}

// completeMember offers ids from the server for the first argument.
func (a *app) completeMember(c *cobra.Command, before []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(before) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
	defer cancel()
	// An error has no place to go: the shell waits for words.
	_ = a.withCluster(ctx, func(cl *client) error {
		status, err := cl.clusters.Status(ctx, &pembav1.StatusRequest{})
		for _, m := range status.GetMembers() {
			if strings.HasPrefix(m.GetId(), prefix) {
				words = append(words, m.GetId()+"\t"+strings.TrimSpace(m.GetName()+" "+memberRole(m)))
			}
		}
		return err
	})
	return words, cobra.ShellCompDirectiveNoFileComp
}

// memberChangeJSON is what a change of a cluster answers with.
type memberChangeJSON struct {
	Member string `json:"member"` // id
	Done   string `json:"done"`
}

func (a *app) printChange(done string, m *pembav1.Member, text string) error {
	return a.one([]string{"member", "done"}, item{text: text, cells: []string{m.GetId(), done}, value: memberChangeJSON{m.GetId(), done}})
}

func clusterJoinCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "join ADDRESS…",
		Short: "Have a server that has no cluster yet join one",
		Long: `Has the server that is asked (it must have been started with an empty directory, and
with --join or --bootstrap-expect, so that it did not found a cluster of its own) become
a member of a cluster. An address is the raft address of a member, or dns:///NAME:PORT.`,
		Example: "  pemba cluster join 10.0.0.1:7000 --endpoint 10.0.0.4:50051",
		Args:    atLeast(1, "ADDRESS…"),
		RunE: func(c *cobra.Command, args []string) error {
			for _, address := range args {
				if err := server.CheckJoin(address); err != nil {
					return usagef("%s: %w", address, err)
				}
			}
			return a.withCluster(c.Context(), func(cl *client) error {
				r, err := cl.clusters.Join(c.Context(), &pembav1.JoinRequest{Addresses: args})
				if err != nil {
					return err
				}
				text := "joined cluster " + r.GetCluster()
				if r.GetCluster() == "" {
					text = "added to the cluster; it waits for the log (pemba cluster status)"
				}
				return a.one([]string{"cluster"}, item{
					text: text, cells: []string{r.GetCluster()}, value: map[string]string{"cluster": r.GetCluster()},
				})
			})
		},
	}
}

func clusterRemoveCommand(a *app) *cobra.Command {
	var force, yes bool
	c := &cobra.Command{
		Use:   "remove MEMBER",
		Short: "Take a member out of the cluster",
		Long: `Takes a member out of the cluster; it stops serving, and joins again only with an empty
directory. It is refused when what is left had no healthy majority. --force does it all
the same: nothing can be written then until enough members are back, so that it needs
--yes, too.`,
		Example: "  pemba cluster remove node-3",
		Args:    exactly(1, "MEMBER"),
		RunE: func(c *cobra.Command, args []string) error {
			if force && !yes {
				return usagef("cluster remove --force can take the quorum from the cluster, which then takes no writes: give --yes as well if that is meant")
			}
			return a.withCluster(c.Context(), func(cl *client) error {
				m, err := cl.member(c.Context(), args[0])
				if err != nil {
					return err
				}
				if _, err := cl.clusters.Remove(c.Context(), &pembav1.RemoveRequest{Id: m.GetId(), Force: force}); err != nil {
					return err
				}
				return a.printChange("removed", m, "removed "+memberName(m))
			})
		},
		ValidArgsFunction: a.completeMember,
	}
	c.Flags().BoolVar(&force, "force", false, "even if what is left has no quorum")
	c.Flags().BoolVar(&yes, "yes", false, "confirm --force")
	return c
}

func clusterVoteCommand(a *app, use, short, becomes, long string, do func(context.Context, *client, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " MEMBER", Short: short, Long: long,
		Args: exactly(1, "MEMBER"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				m, err := cl.member(c.Context(), args[0])
				if err != nil {
					return err
				}
				if err := do(c.Context(), cl, m.GetId()); err != nil {
					return err
				}
				return a.printChange(use+"d", m, memberName(m)+" is a "+becomes)
			})
		},
		ValidArgsFunction: a.completeMember,
	}
}

func clusterTransferCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "transfer-leader [MEMBER]",
		Short: "Hand leadership to another voter",
		Long:  `Hands leadership to a voter, or to the one that is most up to date.`,
		Args:  between(0, 1, "[MEMBER]"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				to := &pembav1.Member{}
				if len(args) > 0 {
					var err error
					if to, err = cl.member(c.Context(), args[0]); err != nil {
						return err
					}
				}
				r, err := cl.clusters.TransferLeader(c.Context(), &pembav1.TransferLeaderRequest{OptionalId: to.GetId()})
				if err != nil {
					return err
				}
				if r.GetLeader() == "" {
					return a.printChange("transferred", &pembav1.Member{}, "leadership was handed over; who leads is not known yet (pemba cluster status)")
				}
				leader := &pembav1.Member{Id: r.GetLeader()}
				if known, err := cl.member(c.Context(), leader.GetId()); err == nil { // it is done, whether the name is known or not
					leader = known
				}
				return a.printChange("transferred", leader, "the leader is "+memberName(leader))
			})
		},
		ValidArgsFunction: a.completeMember,
	}
}

func clusterDrainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "drain [MEMBER]",
		Short: "Prepare the server that is asked for its end",
		Long: `The server that is asked is no longer ready, ends its watches and hands leadership over;
it goes on to answer. Stop it then, or restart it, which takes it back. With MEMBER
another server than that one refuses. (An end by SIGTERM does the same by itself.)`,
		Example: "  pemba cluster drain --endpoint 10.0.0.3:50051",
		Args:    between(0, 1, "[MEMBER]"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				var id string
				if len(args) > 0 {
					m, err := cl.member(c.Context(), args[0])
					if err != nil {
						return err
					}
					id = m.GetId()
				}
				r, err := cl.clusters.Drain(c.Context(), &pembav1.DrainRequest{OptionalId: id})
				if err != nil {
					return err
				}
				m := &pembav1.Member{Id: r.GetId()}
				return a.printChange("drained", m, memberName(m)+" drains: it is not ready and does not lead; stop it when its callers are gone")
			})
		},
		ValidArgsFunction: a.completeMember,
	}
}

// autopilotJSON are the settings of the autopilot.
type autopilotJSON struct {
	CleanupDeadAfter string `json:"cleanupDeadAfter"` // "off" or a duration
	MinQuorum        uint32 `json:"minQuorum"`
	Stabilization    string `json:"stabilization"`
	MaxTrailing      uint64 `json:"maxTrailing"`
	MaxLastContact   string `json:"maxLastContact"`
}

func autopilotData(p *pembav1.Autopilot) autopilotJSON {
	d := autopilotJSON{
		CleanupDeadAfter: "off", MinQuorum: p.GetMinQuorum(), Stabilization: p.GetStabilization().AsDuration().String(),
		MaxTrailing: p.GetMaxTrailing(), MaxLastContact: p.GetMaxLastContact().AsDuration().String(),
	}
	if after := p.GetCleanupDeadAfter().AsDuration(); after > 0 {
		d.CleanupDeadAfter = after.String()
	}
	return d
}

func (d autopilotJSON) text() string {
	return fmt.Sprintf("dead members    %s\nminimum quorum  %d voters\nstabilization   %s\nmax trailing    %d entries\nmax contact     %s",
		map[bool]string{true: "are never removed", false: "are removed after " + d.CleanupDeadAfter}[d.CleanupDeadAfter == "off"],
		d.MinQuorum, d.Stabilization, d.MaxTrailing, d.MaxLastContact)
}

func clusterAutopilotCommand(a *app) *cobra.Command {
	var dead, stabilization, contact time.Duration
	var quorum uint32
	var trailing uint64
	c := &cobra.Command{
		Use:   "autopilot",
		Short: "See or change what the leader does about members by itself",
		Long: `Prints the settings of the autopilot; with flags it changes those and leaves the others.
A member that has joined as a voter gets its vote when it was healthy for
--stabilization. With --cleanup-dead-after, a member that does not answer for so long is
removed, as long as --min-quorum voters remain and a majority is healthy.`,
		Example: "  pemba cluster autopilot --cleanup-dead-after 1h",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				r, err := cl.clusters.GetAutopilot(c.Context(), &pembav1.GetAutopilotRequest{})
				if err != nil {
					return err
				}
				p, changed := r.GetAutopilot(), false
				for flag, set := range map[string]func(){
					"cleanup-dead-after": func() { p.CleanupDeadAfter = durationpb.New(dead) },
					"min-quorum":         func() { p.MinQuorum = quorum },
					"stabilization":      func() { p.Stabilization = durationpb.New(stabilization) },
					"max-trailing":       func() { p.MaxTrailing = trailing },
					"max-last-contact":   func() { p.MaxLastContact = durationpb.New(contact) },
				} {
					if c.Flags().Changed(flag) {
						set()
						changed = true
					}
				}
				if changed {
					r, err := cl.clusters.SetAutopilot(c.Context(), &pembav1.SetAutopilotRequest{Autopilot: p})
					if err != nil {
						return err
					}
					p = r.GetAutopilot()
				}
				return a.printAutopilot(autopilotData(p))
			})
		},
	}
	c.Flags().DurationVar(&dead, "cleanup-dead-after", 0, "how long a member must not answer before it is removed, at least 5m; 0: it never is")
	c.Flags().Uint32Var(&quorum, "min-quorum", 0, "voters that must remain when one is removed; 0: the default, 3")
	c.Flags().DurationVar(&stabilization, "stabilization", 0, "how long a member must be healthy before it votes; 0: the default, 10s")
	c.Flags().Uint64Var(&trailing, "max-trailing", 0, "entries that a healthy member is behind at most; 0: the default, 250")
	c.Flags().DurationVar(&contact, "max-last-contact", 0, "since when a healthy member heard of the leader at most; 0: the default, 2s")
	return c
}

func (a *app) printAutopilot(d autopilotJSON) error {
	return a.one([]string{"cleanup_dead_after", "min_quorum", "stabilization", "max_trailing", "max_last_contact"}, item{
		text:  d.text(),
		cells: []string{d.CleanupDeadAfter, fmt.Sprint(d.MinQuorum), d.Stabilization, fmt.Sprint(d.MaxTrailing), d.MaxLastContact},
		value: d,
	})
}

// sortedMembers are the members as people look for them: by name, then by id.
func sortedMembers(members []*pembav1.Member) []*pembav1.Member {
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(x, y *pembav1.Member) int { return strings.Compare(x.GetName(), y.GetName()) })
	return sorted
}
