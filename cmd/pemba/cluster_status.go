package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// statusJSON is a cluster, as data.
type statusJSON struct {
	Node             string        `json:"node"`                 // that answered
	NotServing       string        `json:"notServing,omitempty"` // why it serves nothing
	Cluster          string        `json:"cluster"`              // "" while it has none
	Epoch            uint64        `json:"epoch"`
	Version          uint32        `json:"version"`
	Leader           string        `json:"leader"`
	Quorum           uint32        `json:"quorum"`
	FailureTolerance uint32        `json:"failureTolerance"`
	Members          []memberJSON  `json:"members"`
	Autopilot        autopilotJSON `json:"autopilot"`
}

// memberJSON is a member, as data. What is not known is missing.
type memberJSON struct {
	ID      string            `json:"id"`
	Name    string            `json:"name,omitempty"`
	Role    string            `json:"role"`   // leader, voter or read replica
	Health  string            `json:"health"` // ok, or what is wrong
	Healthy bool              `json:"healthy"`
	Raft    string            `json:"raft"`
	Serves  map[string]string `json:"serves,omitempty"`

	Term               uint64   `json:"term,omitempty"`
	Behind             uint64   `json:"behind"` // entries of the log
	LastContactSeconds *float64 `json:"lastContactSeconds,omitempty"`
	ClockSkewSeconds   *float64 `json:"clockSkewSeconds,omitempty"`
	RoundTripSeconds   *float64 `json:"roundTripSeconds,omitempty"`
	LogWriteSeconds    *float64 `json:"logWriteSeconds,omitempty"`

	Oldest     uint64 `json:"oldest,omitempty"` // revision that it can read
	Newest     uint64 `json:"newest,omitempty"`
	Applied    uint64 `json:"applied,omitempty"`
	LastIndex  uint64 `json:"lastIndex,omitempty"`
	Snapshot   uint64 `json:"snapshot,omitempty"`
	FreeBytes  uint64 `json:"freeBytes,omitempty"`
	TotalBytes uint64 `json:"totalBytes,omitempty"`
	NearlyFull bool   `json:"nearlyFull,omitempty"`

	Build      string `json:"build,omitempty"`
	MinVersion uint32 `json:"minVersion,omitempty"`
	MaxVersion uint32 `json:"maxVersion,omitempty"`
	Since      string `json:"since,omitempty"`
}

func memberRole(m *pembav1.Member) string {
	switch {
	case m.GetLeader():
		return "leader"
	case m.GetVoter():
		return "voter"
	}
	return "read replica"
}

// memberHealth is one word or a sentence.
func memberHealth(m *pembav1.Member) string {
	reason := m.GetReason()
	switch {
	case !m.GetReachable():
		if reason == "" {
			return "unreachable"
		}
		return "unreachable: " + reason
	case m.GetStopped():
		return strings.TrimSuffix("stopped: "+reason, ": ")
	case m.GetDraining():
		return "draining"
	case !m.GetHealthy():
		return strings.TrimSuffix("unhealthy: "+reason, ": ")
	case m.GetNearlyFull():
		return "disk nearly full"
	}
	return "ok"
}

func memberData(m *pembav1.Member) memberJSON {
	d := memberJSON{
		ID: m.GetId(), Name: m.GetName(), Role: memberRole(m), Health: memberHealth(m), Healthy: m.GetHealthy(),
		Raft: m.GetAddress(), Serves: m.GetServes(), Term: m.GetTerm(), Behind: m.GetLag(),
		Oldest: m.GetFloor(), Newest: m.GetHead(), Applied: m.GetApplied(), LastIndex: m.GetLastIndex(), Snapshot: m.GetSnapshot(),
		FreeBytes: m.GetFreeBytes(), TotalBytes: m.GetTotalBytes(), NearlyFull: m.GetNearlyFull(),
		Build: m.GetBuild(), MinVersion: m.GetMinVersion(), MaxVersion: m.GetMaxVersion(),
	}
	if c := m.GetLastContact(); c != nil {
		d.LastContactSeconds = new(c.AsDuration().Seconds())
	}
	if c := m.GetClockSkew(); c != nil {
		d.ClockSkewSeconds = new(c.AsDuration().Seconds())
	}
	if c := m.GetRoundTrip(); c != nil {
		d.RoundTripSeconds = new(c.AsDuration().Seconds())
	}
	if w := m.GetLogWrite(); w != nil {
		d.LogWriteSeconds = new(w.AsDuration().Seconds())
	}
	if s := m.GetSince(); s != nil {
		d.Since = s.AsTime().UTC().Format(time.RFC3339)
	}
	return d
}

func statusData(s *pembav1.StatusResponse) statusJSON {
	d := statusJSON{
		Node: s.GetNode(), NotServing: s.GetNotServing(), Cluster: s.GetCluster(), Epoch: s.GetEpoch(), Version: s.GetVersion(), Leader: s.GetLeader(),
		Quorum: s.GetQuorum(), FailureTolerance: s.GetFailureTolerance(), Members: []memberJSON{}, Autopilot: autopilotData(s.GetAutopilot()),
	}
	for _, m := range sortedMembers(s.GetMembers()) {
		d.Members = append(d.Members, memberData(m))
	}
	return d
}

// statusColumns are those of a member in `cluster status`.
var statusColumns = []string{"member", "name", "role", "health", "term", "behind", "contact", "clock", "log_write", "oldest", "newest", "disk_free", "build", "raft"}

// statusCells are a member's. people says for whom: they read units, programs
// numbers.
func statusCells(m *pembav1.Member, people bool) []string {
	cells := []string{m.GetId(), m.GetName(), memberRole(m), memberHealth(m)}
	if !m.GetReachable() {
		return append(cells, "", "", "", "", "", "", "", "", "", m.GetAddress())
	}
	term, contact, clock, write, free := "", "", "", "", ""
	if m.GetTerm() > 0 {
		term = fmt.Sprint(m.GetTerm())
	}
	switch c := m.GetLastContact(); {
	case m.GetLeader():
		contact = "-"
	case c == nil:
		contact = "never"
	default:
		contact = shortDuration(c.AsDuration())
	}
	if c := m.GetClockSkew(); c != nil {
		clock = signedDuration(c.AsDuration())
	}
	if w := m.GetLogWrite(); w != nil {
		write = fmt.Sprintf("%.1fms", w.AsDuration().Seconds()*1000)
	}
	if m.GetTotalBytes() > 0 {
		free = fmt.Sprint(m.GetFreeBytes())
		if people {
			free = fmt.Sprintf("%s of %s", sizeText(m.GetFreeBytes()), sizeText(m.GetTotalBytes()))
		}
	}
	return append(cells, term, fmt.Sprint(m.GetLag()), contact, clock, write, fmt.Sprint(m.GetFloor()), fmt.Sprint(m.GetHead()), free, m.GetBuild(), m.GetAddress())
}

// shortDuration leaves out what nobody looks at.
func shortDuration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func signedDuration(d time.Duration) string {
	if d.Round(time.Millisecond) >= 0 {
		return "+" + shortDuration(max(d, 0))
	}
	return "-" + shortDuration(-d)
}

// sizeText is a number of bytes for people.
func sizeText(n uint64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, at := float64(n)/(1<<10), 0
	for ; f >= 1<<10 && at < len(units)-1; at++ {
		f /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", f, units[at])
}

// statusText is a cluster for people.
func statusText(s *pembav1.StatusResponse) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	members := sortedMembers(s.GetMembers())
	if s.GetCluster() == "" {
		line("cluster  none yet: %s", s.GetNotServing())
	} else {
		line("cluster  %s, epoch %d, version %d", s.GetCluster(), s.GetEpoch(), s.GetVersion())
		leader := "none is known"
		voters := 0
		for _, m := range members {
			if m.GetId() == s.GetLeader() {
				leader = memberName(m)
			}
			if m.GetVoter() {
				voters++
			}
		}
		line("leader   %s", leader)
		line("quorum   %d of %s; %s", s.GetQuorum(), counted(voters, "voter"), toleranceText(s))
		if s.GetNotServing() != "" {
			line("warning  the server that answers (%s) does not serve: %s", s.GetNode(), s.GetNotServing())
		}
	}
	if s.GetCluster() != "" && !slices.ContainsFunc(members, func(m *pembav1.Member) bool { return m.GetId() == s.GetNode() }) {
		line("warning  the server that answers (%s) is not a member: it was removed", s.GetNode())
	}
	line("")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells []string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) } // into memory
	row([]string{"MEMBER", "NAME", "ROLE", "HEALTH", "TERM", "BEHIND", "CONTACT", "CLOCK", "LOG WRITE", "OLDEST", "NEWEST", "DISK FREE", "BUILD", "RAFT"})
	var notes []string
	for _, m := range members {
		cells := statusCells(m, true)
		if word, reason, ok := strings.Cut(cells[3], ": "); ok { // too long for a table
			cells[3] = word
			notes = append(notes, fmt.Sprintf("%s is %s: %s", memberName(m), word, reason))
		}
		notes = append(notes, machineNotes(m)...)
		row(cells)
	}
	_ = t.Flush()
	for _, note := range append(notes, versionNotes(members)...) {
		line("\n%s", note)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func toleranceText(s *pembav1.StatusResponse) string {
	switch n := s.GetFailureTolerance(); {
	case len(s.GetMembers()) == 1:
		return "a cluster of one: when it is lost, all is"
	case n == 0:
		return "NO MORE MAY BE LOST"
	default:
		return fmt.Sprintf("%d more may be lost", n)
	}
}

// From these on the table alone is not enough.
const (
	slowLogWrite = 100 * time.Millisecond
	muchSkew     = time.Second
)

// machineNotes say what is wrong with the machine of a member that is healthy.
func machineNotes(m *pembav1.Member) []string {
	var notes []string
	if w := m.GetLogWrite().AsDuration(); w >= slowLogWrite {
		notes = append(notes, fmt.Sprintf("the disk of %s is slow: entries of the log take %s to be durable", memberName(m), shortDuration(w)))
	}
	if skew := m.GetClockSkew().AsDuration(); skew.Abs() >= muchSkew {
		notes = append(notes, fmt.Sprintf("the clock of %s is off by %s", memberName(m), signedDuration(skew)))
	}
	return notes
}

// versionNotes say when members run different programs.
func versionNotes(members []*pembav1.Member) []string {
	builds := map[string]bool{}
	for _, m := range members {
		if m.GetReachable() {
			builds[m.GetBuild()] = true
		}
	}
	if len(builds) < 2 {
		return nil
	}
	return []string{"members run different versions of the program; entries that the oldest does not know are not written until all know them"}
}

func clusterStatusCommand(a *app) *cobra.Command {
	var exitStatus bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the cluster and the health of its members",
		Long: `Asks every member and prints what they say: who leads, how many may be lost, and of each
member the term that it is in, how many entries it is behind the leader, since when it has
heard of it, how far its clock is off, how long its log takes to be durable, the oldest and
newest revision that it can read, and its disk.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				s, err := cl.clusters.Status(c.Context(), &pembav1.StatusRequest{})
				if err != nil {
					return err
				}
				if err := a.printStatus(s); err != nil {
					return err
				}
				if exitStatus && !wellStatus(s) {
					return errNegative
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&exitStatus, "exit-status", false, "exit with 3 unless there is a leader and every member is healthy")
	return c
}

func (a *app) printStatus(s *pembav1.StatusResponse) error {
	if a.format != "table" && a.format != "csv" {
		return a.one(nil, item{text: statusText(s), value: statusData(s)})
	}
	out := a.list(statusColumns...)
	for _, m := range sortedMembers(s.GetMembers()) {
		if err := out.add(item{cells: statusCells(m, a.format == "table")}); err != nil {
			return err
		}
	}
	return out.close()
}

// wellStatus reports whether nobody needs to look.
func wellStatus(s *pembav1.StatusResponse) bool {
	if s.GetLeader() == "" || s.GetNotServing() != "" {
		return false
	}
	for _, m := range s.GetMembers() {
		if !m.GetHealthy() || m.GetNearlyFull() {
			return false
		}
	}
	return true
}

func clusterMembersCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "members",
		Short: "List the members, one a line",
		Long:  `Lists the id, the name, the role, the raft address and where each member serves.`,
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCluster(c.Context(), func(cl *client) error {
				s, err := cl.clusters.Status(c.Context(), &pembav1.StatusRequest{})
				if err != nil {
					return err
				}
				out := a.list("member", "name", "role", "raft", "grpc", "http")
				for _, m := range sortedMembers(s.GetMembers()) {
					cells := []string{m.GetId(), m.GetName(), memberRole(m), m.GetAddress(), m.GetServes()["grpc"], m.GetServes()["http"]}
					if err := out.add(item{text: strings.Join(cells[:4], " "), cells: cells, value: memberData(m)}); err != nil {
						return err
					}
				}
				return out.close()
			})
		},
	}
}
