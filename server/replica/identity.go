package replica

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hashicorp/raft"
)

const (
	idFile = "id"
	// firstID is the id of nodes that were made before nodes had ids of their
	// own: each was the only one of its cluster.
	firstID    = "node"
	historyKey = "pemba history" // in raft's stable store
)

// idForm is that of ids.
func validID(id string) bool {
	return regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(id) || id == firstID
}

// identify finds out who this node is and which history it belongs to.
func (r *Replica) identify(f *files) error {
	h, err := f.history()
	if err != nil {
		return err
	}
	r.history.Store(&h)
	if r.config.InMemory {
		r.id = newID()
		return nil
	}
	name := filepath.Join(r.config.Dir, raftDir, idFile)
	text, err := os.ReadFile(name)
	id := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.fresh:
		id = string(newID())
		err = writeFile(name, []byte(id+"\n"))
	case errors.Is(err, fs.ErrNotExist):
		id, err = firstID, nil
	case err == nil && !validID(id):
		err = fmt.Errorf("%s says %.80q, which is no id of a node", name, text)
	}
	if err != nil {
		return fmt.Errorf("finding the id of the node: %w", err)
	}
	r.id = raft.ServerID(id)
	return nil
}

// founding returns what a new log begins with.
func (c *Config) founding() []*command {
	now := c.Now().UnixMilli()
	all := []*command{{kind: kindFound, cluster: cmp.Or(c.Cluster, randomID()), version: c.foundVersion, time: now}}
	if c.Epoch > 1 {
		all = append(all, &command{kind: kindEpoch, epoch: c.Epoch, time: now})
	}
	return all
}

func newID() raft.ServerID { return raft.ServerID(fmt.Sprintf("%016x", randomID())) }

// history returns what keepHistory kept, or nothing.
func (f *files) history() (h history, err error) {
	data, err := f.stable.Get([]byte(historyKey))
	if err != nil && err.Error() != "not found" {
		return h, fmt.Errorf("reading the name of the cluster: %w", err)
	}
	if len(data) == 16 {
		h = history{binary.BigEndian.Uint64(data), binary.BigEndian.Uint64(data[8:])}
	}
	return h, nil
}

// keepHistory makes durable which history this node belongs to.
func (f *files) keepHistory(h history) error {
	return f.stable.Set([]byte(historyKey), binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h.cluster), h.epoch))
}
