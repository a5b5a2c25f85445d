package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what the Forget of one transaction removes. They are constants of the
// format.
const (
	maxForget      = 10_000   // records
	maxForgetBytes = 16 << 20 // of their values
)

// ChainState says which records a chain has.
type ChainState struct {
	First     uint64    // number of the oldest record that is kept
	Next      uint64    // that the next record will get
	FloorHash ChainHash // of the record before First; zero: none was removed
	LastHash  ChainHash // of the newest record
}

// chainState returns the state of a chain of which the oldest and the newest
// record are known.
func chainState(first, last *Link) ChainState {
	return ChainState{First: first.Number, Next: last.Number + 1, FloorHash: first.Previous, LastHash: last.Hash()}
}

// Chain returns the state of a chain at the revision; ok is false when there is
// none. At the head it takes two reads. It waits for a transaction that is being
// applied.
func (sn *Snapshot) Chain(name string) (c ChainState, ok bool, err error) {
	if sn.closed.Load() {
		return ChainState{}, false, ErrClosed
	}
	s := sn.db.store
	s.mu.Lock()
	now, ok := s.state.chains[name]
	s.mu.Unlock()
	if !ok {
		return ChainState{}, false, nil
	}
	return sn.view.chain(name, now.First)
}

// chain finds out the state of a chain from its documents. The newest record is
// never removed, so that it can. first is where the oldest record probably is, as
// a walk to it would pass all that were removed.
func (v view) chain(name string, first uint64) (c ChainState, ok bool, err error) {
	oldest, newest, err := Link{}, Link{}, error(nil)
	read := func(s *scan, from []byte, to *Link) bool {
		defer s.close()
		if s.it.Seek(from); !s.valid() {
			return false
		}
		*to, err = s.link(name)
		return err == nil
	}
	prefix := documentKey(name + "/")
	if !read(v.scanBack(prefix), documentKey(recordKey(name, 1<<64-1)), &newest) {
		return ChainState{}, false, err
	}
	later := first > newest.Number // what lies before first was removed after this revision
	if first > 1 && !later {
		if _, later, err = v.get(documentKey(recordKey(name, first-1))); err != nil {
			return ChainState{}, false, err
		}
	}
	if later {
		first = 0
	}
	if !read(v.scan(prefix), documentKey(recordKey(name, first)), &oldest) {
		return ChainState{}, false, err
	}
	return chainState(&oldest, &newest), true, nil
}

// link reads the record of a chain that the walk stands on.
func (s *scan) link(chain string) (Link, error) {
	doc, err := s.document()
	if err != nil {
		return Link{}, err
	}
	l, err := ParseLink(doc.Value)
	if err == nil && (doc.Key != recordKey(chain, l.Number) || !doc.Chained) {
		err = fmt.Errorf("it says that it is number %d", l.Number)
	}
	if err != nil {
		return l, &CorruptError{Msg: fmt.Sprintf("document %q is no record of its chain", doc.Key), Err: err}
	}
	return l, nil
}

// chains judges what the transaction does to chains, which is known only after
// its documents.
func (j *judge) chains() error {
	for i := range j.tx.Forget {
		if err := j.forget(&j.tx.Forget[i]); err != nil {
			return err
		}
	}
	for i := range j.tx.Records {
		if err := j.appendRecord(&j.tx.Records[i]); err != nil {
			return err
		}
	}
	for i := range j.tx.Documents {
		key := j.tx.Documents[i].Key
		if chain := chainAbove(key, j.isChain); chain != "" {
			return &DocumentError{Key: key, Msg: fmt.Sprintf("lies in the chain %q, whose records are only appended; choose another key", chain)}
		}
	}
	return nil
}

// chain returns a chain as the transaction leaves it so far.
func (j *judge) chain(name string) (ChainState, bool) {
	if c, ok := j.heads[name]; ok {
		return c, true
	}
	c, ok := j.store.state.chains[name]
	return c, ok
}

func (j *judge) isChain(name string) bool {
	_, ok := j.chain(name)
	return ok
}

func (j *judge) setChain(name string, c ChainState) {
	if j.heads == nil {
		j.heads = map[string]ChainState{}
	}
	j.heads[name] = c
}

// appendRecord puts a record at the end of its chain, which may be new.
func (j *judge) appendRecord(r *ChainRecord) error {
	if len(r.Value) > MaxRecord && !r.Stored {
		return &ChainError{Chain: r.Chain, Msg: fmt.Sprintf("gets a record of %d bytes; at most %d are allowed", len(r.Value), MaxRecord)}
	}
	c, ok := j.chain(r.Chain)
	if !ok {
		c = ChainState{First: 1, Next: 1}
		if err := j.newChain(r.Chain); err != nil {
			return err
		}
	}
	l, err := j.newLink(r, &c, ok)
	if err != nil {
		return err
	}
	value := l.encode()
	if len(value) > MaxDocument {
		return &ChainError{Chain: r.Chain, Msg: fmt.Sprintf("gets a record that takes %d bytes; at most %d are allowed", len(value), MaxDocument)}
	}
	c.Next, c.LastHash = l.Number+1, l.Hash()
	j.setChain(r.Chain, c)
	key := recordKey(r.Chain, l.Number)
	mark := documentMark(ClassOpen, true)
	j.record.Hash.add(documentKey(key), value, mark)
	j.entries = append(j.entries, entry{key: documentKey(key), value: value, mark: mark})
	j.record.Documents = append(j.record.Documents, DocumentChange{Op: Create, Key: key, Class: ClassOpen, Chained: true})
	j.outcome.Records = append(j.outcome.Records, l.Number)
	return nil
}

// newLink makes the record that comes next, or judges whether a stored one may.
func (j *judge) newLink(r *ChainRecord, c *ChainState, known bool) (Link, error) {
	if !r.Stored {
		l := Link{Number: c.Next, Revision: j.record.Revision, Time: j.record.Time, Previous: c.LastHash}
		var compact bytes.Buffer
		if err := json.Compact(&compact, r.Value); err != nil {
			return l, &ChainError{Chain: r.Chain, Msg: "gets a record that is not valid JSON"}
		}
		l.Record = compact.Bytes()
		return l, nil
	}
	l, err := ParseLink(r.Value)
	switch {
	case err != nil || l.Number == 0 || l.Number == 1<<64-1 || (l.Number == 1) != (l.Previous == ChainHash{}):
		return l, &ChainError{Chain: r.Chain, Msg: "gets a stored record that no store has written"}
	case !known:
		c.First, c.FloorHash = l.Number, l.Previous
	case l.Number != c.Next || l.Previous != c.LastHash:
		return l, &ChainError{Chain: r.Chain, Msg: fmt.Sprintf("gets the stored record %d, which does not follow its newest, %d", l.Number, c.Next-1)}
	}
	return l, nil
}

// newChain judges whether a chain may begin: nothing else may lie where its
// records will, and it must not lie in another.
func (j *judge) newChain(name string) error {
	if name == "" || len(name) > maxChain || strings.IndexByte(name, 0) >= 0 || !utf8.ValidString(name) {
		return &ChainError{Chain: name, Msg: fmt.Sprintf("has a bad name; 1 to %d bytes of UTF-8 without a zero byte are allowed", maxChain)}
	}
	if above := chainAbove(name, j.isChain); above != "" {
		return &ChainError{Chain: name, Msg: fmt.Sprintf("would lie in the chain %q; choose another name", above)}
	}
	for _, other := range slices.Sorted(maps.Keys(j.heads)) {
		if strings.HasPrefix(other, name+"/") {
			return &ChainError{Chain: name, Msg: fmt.Sprintf("would hold the chain %q; choose another name", other)}
		}
	}
	s := j.view.scan(documentKey(name + "/"))
	defer s.close()
	if s.seek(nil); s.valid() {
		key, err := splitDocument(s.key())
		if err != nil {
			return err
		}
		return &ChainError{Chain: name, Msg: fmt.Sprintf("would hold the document %q; choose another name", key)}
	}
	return nil
}

// forget removes the oldest records of a chain, but never the newest of all.
func (j *judge) forget(f *ForgetRecords) error {
	c, ok := j.chain(f.Chain)
	if !ok {
		return &ChainError{Chain: f.Chain, Msg: "has no records; nothing can be removed from it"}
	}
	for through := min(f.Through, c.Next-2); c.First <= through; c.First++ {
		if j.forgotten == maxForget || j.forgottenBytes >= maxForgetBytes {
			j.outcome.More = true
			break
		}
		key := recordKey(f.Chain, c.First)
		doc, ok, err := j.view.document(key)
		if err != nil {
			return err
		}
		l, fault := ParseLink(doc.Value)
		if !ok || !doc.Chained || fault != nil {
			return j.store.corrupt(fmt.Sprintf("record %d of the chain %q is missing, or is none", c.First, f.Chain), fault)
		}
		c.FloorHash = l.Hash()
		j.forgotten++
		j.forgottenBytes += len(doc.Value)
		j.record.Hash.remove(documentKey(key), doc.Value, documentMark(doc.Class, true))
		j.entries = append(j.entries, entry{key: documentKey(key), remove: true})
		j.record.Documents = append(j.record.Documents, DocumentChange{Op: Delete, Key: key, Class: doc.Class, Chained: true})
	}
	j.setChain(f.Chain, c)
	return nil
}

// appendChains encodes the chains of the small state.
func appendChains(buf []byte, chains map[string]ChainState) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(chains)))
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		c := chains[name]
		buf = binary.AppendUvarint(binary.AppendUvarint(appendString(buf, name), c.First), c.Next)
		buf = append(append(buf, c.FloorHash[:]...), c.LastHash[:]...)
	}
	return buf
}

func (d *decoder) chains() map[string]ChainState {
	chains := map[string]ChainState{}
	for n := d.count(); n > 0 && !d.bad; n-- {
		name := d.string()
		c := ChainState{First: d.uvarint(), Next: d.uvarint()}
		copy(c.FloorHash[:], d.take(uint64(len(c.FloorHash))))
		copy(c.LastHash[:], d.take(uint64(len(c.LastHash))))
		chains[name] = c
	}
	return chains
}

// checkChains compares the chains of a state with what is stored.
func (v view) checkChains(chains map[string]ChainState) error {
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		found, _, err := v.chain(name, chains[name].First)
		if err != nil {
			return err
		}
		if found != chains[name] {
			return fmt.Errorf("the chain %q ends with record %d, and the state beside it says %d, or their hashes differ", name, found.Next-1, chains[name].Next-1)
		}
	}
	return nil
}

// chains walks every chain from record to record.
func (v *verifier) chains() error {
	for _, name := range slices.Sorted(maps.Keys(v.want.chains)) {
		if err := v.chain(name, v.want.chains[name]); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) chain(name string, want ChainState) error {
	s := v.sn.view.scan(documentKey(name + "/"))
	defer s.close()
	got := ChainState{First: want.First, Next: want.First, FloorHash: want.FloorHash, LastHash: want.FloorHash}
	for s.seek(nil); s.valid(); s.next() {
		l, err := s.link(name)
		switch {
		case err != nil:
			v.fault("%v", err)
			return v.ctx.Err()
		case l.Number != got.Next || l.Previous != got.LastHash:
			v.fault("record %d of the chain %q does not follow record %d", l.Number, name, got.Next-1)
			return nil
		}
		got.Next, got.LastHash = l.Number+1, l.Hash()
		if err := v.step(); err != nil {
			return err
		}
	}
	if got != want {
		v.fault("the chain %q ends with record %d, and should end with %d, or their hashes differ", name, got.Next-1, want.Next-1)
	}
	return nil
}
