package replica

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Config says where a replica lives and what it may use. A replica needs Dir or
// InMemory; every other zero value is a good default.
type Config struct {
	Dir      string // made when it does not exist
	InMemory bool   // keep nothing on disk; Dir must be empty

	Store    store.Config     // cache, retention, space; its Dir and InMemory are set here
	RaftAddr string           // how other members reach this one; "": 127.0.0.1:7000
	Logger   *slog.Logger     // nil: slog.Default()
	Now      func() time.Time // nil: time.Now

	MaxTokenWait  time.Duration // for a revision that is not here yet; 0: 5 s
	MaxImport     int           // relationships of one import; 0: 250,000
	SnapshotEvery uint64        // entries of the log; 0: 16,384

	Network         Network           // to the other members; nil: there are none. Close closes it
	Name            string            // of this node, for people
	Join            []string          // addresses of other members, or dns:///name:port; of a node that has no cluster yet
	Expect          int               // how many nodes found the cluster together; 0: 1 without Join, else this node only joins
	NonVoter        bool              // a read replica: it never votes
	ElectionTimeout time.Duration     // after which a silent leader is replaced; 0: 750 ms
	BuildVersion    string            // of the program, shown to others
	Cluster, Epoch  uint64            // of a cluster that is founded; 0: drawn at random, and 1
	Roster          map[string]string // where this node serves, shown to others: {"grpc": address, "http": address}

	snapshotInterval time.Duration // between two looks at SnapshotEvery; 0: 10 s
	commitTimeout    time.Duration // after which followers hear what is in the log for good; 0: 5 ms
	unsynced         bool          // the log does not outlive a crash of the machine, for tests
	trailingLogs     uint64        // entries kept after a snapshot; 0: by the number of members
	foundVersion     int           // of a cluster that is founded; 0: the newest
}

// minFree returns the bytes that must stay free for writes.
func (c *Config) minFree() uint64 { return cmp.Or(c.Store.MinFree, store.DefaultMinFree) }

// withDefaults names every fault, and fills in the defaults.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.MaxTokenWait < 0 {
		errs = append(errs, fmt.Errorf("the wait for a token is %v; it must not be negative", c.MaxTokenWait))
	}
	if c.MaxImport < 0 || c.MaxImport > maxStaged {
		errs = append(errs, fmt.Errorf("an import may have %d relationships; at most %d are possible", c.MaxImport, maxStaged))
	}
	errs = append(errs, c.checkCluster()...)
	c.Store.Dir, c.Store.InMemory = c.Dir, c.InMemory
	if c.RaftAddr == "" {
		c.RaftAddr = "127.0.0.1:7000"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxTokenWait == 0 {
		c.MaxTokenWait = 5 * time.Second
	}
	if c.MaxImport == 0 {
		c.MaxImport = 250_000
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 16_384
	}
	if c.snapshotInterval == 0 {
		c.snapshotInterval = 10 * time.Second
	}
	if c.commitTimeout == 0 {
		c.commitTimeout = 5 * time.Millisecond
	}
	if c.ElectionTimeout == 0 {
		c.ElectionTimeout = 750 * time.Millisecond
	}
	if c.foundVersion == 0 {
		c.foundVersion = maxFormat
	}
	if c.Expect == 0 && len(c.Join) == 0 && !c.NonVoter {
		c.Expect = 1
	}
	if c.Network == nil {
		c.Network = newNoNetwork(c.RaftAddr)
	}
	return c, errors.Join(errs...)
}

// checkCluster names every fault of what makes this node one of several.
func (c *Config) checkCluster() []error {
	var errs []error
	if c.ElectionTimeout != 0 && c.ElectionTimeout < minElectionTimeout {
		errs = append(errs, fmt.Errorf("the election timeout is %v; it must be at least %v", c.ElectionTimeout, minElectionTimeout))
	}
	if c.Network == nil && (len(c.Join) > 0 || c.Expect > 1 || c.NonVoter) {
		errs = append(errs, errors.New("the node is to be one of several, and has no network to others"))
	}
	if c.Expect < 0 || c.Expect > maxExpect {
		errs = append(errs, fmt.Errorf("the cluster is to be founded by %d nodes; 1 to %d are possible", c.Expect, maxExpect))
	}
	if c.Expect > 1 && len(c.Join) == 0 {
		errs = append(errs, fmt.Errorf("the node expects %d founders and is told of no address of another", c.Expect))
	}
	if n := c.candidates(); c.Expect > 1 && 2*c.Expect <= n {
		errs = append(errs, fmt.Errorf("%d founders are half or less of the %d nodes that are named, and the others could found a cluster of their own: expect more, or name fewer", c.Expect, n))
	}
	return append(errs, checkAddresses(c.Join)...)
}

const (
	minElectionTimeout = 50 * time.Millisecond
	maxExpect          = 9
)

// checkAddresses names every address that is none.
func checkAddresses(addresses []string) (errs []error) {
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(strings.TrimPrefix(a, dnsPrefix))
		if err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("the address %q of another member is not of the form host:port or dns:///name:port", a))
		}
	}
	return errs
}

// candidates returns how many nodes are known that may found a cluster, as far as
// addresses tell: a name that is looked up may have any number of them.
func (c *Config) candidates() int {
	all := slices.Clone(c.Join)
	if c.Network != nil {
		all = append(all, c.Network.Address())
	}
	slices.Sort(all)
	return len(slices.DeleteFunc(slices.Compact(all), func(a string) bool { return strings.HasPrefix(a, dnsPrefix) }))
}
