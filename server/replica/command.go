package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// The first byte of every command is its format. A member that does not know the
// format or the kind of a command stops: going on would split the group. So a
// command has the oldest format that can express it, and none is proposed that
// is newer than the version of the cluster.
const (
	minFormat = 1
	maxFormat = 3
)

// What formats brought.
const (
	formatOrigins = 2 // origins, cluster versions, epochs, settings, document preconditions
	formatChains  = 3 // records of chains, schemas that were seen
)

// maxCommand bounds an encoded command, in bytes.
const maxCommand = 4 << 20

// kind is the second byte of a command.
type kind byte

const (
	kindFound       kind = iota + 1 // names the cluster; the first of a log
	kindTransaction                 // one transaction
	kindStage                       // a part of an import, kept until its commit
	kindImport                      // commits an import
	kindDrop                        // drops imports that were not committed
	kindVersion                     // raises the version of the cluster
	kindEpoch                       // begins a new history
	kindSettings                    // replaces the settings of the cluster
	kindRelying                     // a transaction that relies on versions of documents; in a command it is a kindTransaction
	kindChaining                    // a transaction that appends to chains or removes from them; in a command it is a kindTransaction
	kindSeen                        // a transaction that replaces the schema that was seen; in a command it is a kindTransaction
)

// command is one entry of the log: format, kind, time, the revision at which a
// schema was judged, in format 2 the origin, then what the kind has.
type command struct {
	kind   kind
	origin origin         // zero: none
	time   int64          // the leader's clock, in milliseconds since 1970
	judged store.Revision // transaction: of its schema

	cluster  uint64   // found
	version  int      // found, version: of the cluster; 0 stands for 1
	epoch    uint64   // epoch: the new one
	settings settings // settings

	tx  store.Transaction // transaction, import; its Time is not encoded
	key retryKey          // transaction, import; zero: none

	stage   uint64                // stage, import: which import
	part    int                   // stage: counts its parts from 0; import: how many there are
	updates []engine.Relationship // stage
	drops   []uint64              // drop
}

// commandTime is where the time of a command stands; commandHeader is the length
// of what is before the origin.
const (
	commandTime   = 2
	commandHeader = commandTime + 8 + 8
)

// stamp sets the time of an encoded command.
func stamp(data []byte, now time.Time) {
	binary.BigEndian.PutUint64(data[commandTime:], uint64(now.UnixMilli()))
}

// format returns the oldest format that can express the command.
func (c *command) format() byte {
	switch {
	case c.written() >= kindChaining || c.version >= formatChains:
		return formatChains
	case c.origin.session != 0 || c.written() > kindDrop || c.version >= formatOrigins:
		return formatOrigins
	}
	return minFormat
}

// written returns the kind that the encoded command has.
func (c *command) written() kind {
	switch {
	case c.kind != kindTransaction:
		return c.kind
	case c.tx.SchemaSeen != nil:
		return kindSeen
	case len(c.tx.Records)+len(c.tx.Forget) > 0:
		return kindChaining
	case len(c.tx.DocumentPreconditions) > 0:
		return kindRelying
	}
	return c.kind
}

func (c *command) encode() ([]byte, error) {
	e := &encoder{buf: make([]byte, 0, 256)}
	format := c.format()
	e.byte(format)
	e.byte(byte(c.written()))
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(c.time))
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(c.judged))
	if format >= formatOrigins {
		e.buf = c.origin.append(e.buf)
	}
	switch c.kind {
	case kindFound:
		e.uvarint(c.cluster)
		if format >= formatOrigins {
			e.count(c.version)
		}
	case kindTransaction:
		e.buf = append(e.buf, c.key[:]...)
		e.transaction(&c.tx)
		if c.written() != kindTransaction {
			e.documentPreconditions(c.tx.DocumentPreconditions)
		}
		if c.written() >= kindChaining {
			e.chains(&c.tx)
		}
		if seen := c.tx.SchemaSeen; seen != nil {
			e.uvarint(uint64(*seen))
		}
	case kindStage:
		e.uvarint(c.stage)
		e.count(c.part)
		e.count(len(c.updates))
		for i := range c.updates {
			e.relationship(&c.updates[i])
		}
	case kindImport:
		if len(c.tx.DocumentPreconditions)+len(c.tx.Records)+len(c.tx.Forget) > 0 || c.tx.SchemaSeen != nil {
			return nil, errors.New("an import relies on no documents and no schema and does nothing to chains")
		}
		e.buf = append(e.buf, c.key[:]...)
		e.uvarint(c.stage)
		e.count(c.part)
		e.transaction(&c.tx)
	case kindDrop:
		e.count(len(c.drops))
		for _, id := range c.drops {
			e.uvarint(id)
		}
	case kindVersion:
		e.count(c.version)
	case kindEpoch:
		e.uvarint(c.epoch)
	case kindSettings:
		e.settings(&c.settings)
	default:
		return nil, fmt.Errorf("command kind %d is unknown", c.kind)
	}
	return e.buf, e.err
}

// asked is the encoded command without the revision at which a schema was seen, which
// stands last: it says on what the write relies, and not what it asks for, and it is
// another one when the write is repeated.
func (c *command) asked(data []byte) []byte {
	if c.tx.SchemaSeen == nil {
		return data
	}
	return data[:len(data)-len(binary.AppendUvarint(nil, uint64(*c.tx.SchemaSeen)))]
}

func decodeCommand(data []byte) (*command, error) {
	if len(data) < commandHeader {
		return nil, fmt.Errorf("a command has %d bytes and no header", len(data))
	}
	format := data[0]
	if format < minFormat || format > maxFormat {
		return nil, fmt.Errorf("a command has format %d, and this version knows formats %d to %d: run the newer version", format, minFormat, maxFormat)
	}
	c := &command{
		kind: kind(data[1]), time: int64(binary.BigEndian.Uint64(data[2:])),
		judged: store.Revision(binary.BigEndian.Uint64(data[10:])),
	}
	d := &decoder{rest: data[commandHeader:]}
	if last := newestKind(format); c.kind > last && c.kind <= kindSeen {
		return nil, fmt.Errorf("a command has kind %d, which its format %d does not have", c.kind, format)
	}
	if format >= formatOrigins {
		c.origin = d.origin()
	}
	switch c.kind {
	case kindFound:
		c.cluster = d.uvarint()
		if format >= formatOrigins {
			c.version = d.number()
		}
	case kindTransaction:
		copy(c.key[:], d.take(uint64(len(c.key))))
		c.tx = d.transaction()
		c.tx.Judged = c.judged
	case kindRelying:
		copy(c.key[:], d.take(uint64(len(c.key))))
		c.tx = d.transaction()
		c.tx.DocumentPreconditions = d.documentPreconditions()
		if len(c.tx.DocumentPreconditions) == 0 {
			d.fail("it relies on no document")
		}
		c.kind, c.tx.Judged = kindTransaction, c.judged
	case kindChaining, kindSeen:
		copy(c.key[:], d.take(uint64(len(c.key))))
		c.tx = d.transaction()
		c.tx.DocumentPreconditions = d.documentPreconditions()
		d.chains(&c.tx)
		if c.kind == kindSeen {
			c.tx.SchemaSeen = new(store.Revision(d.uvarint()))
		} else if len(c.tx.Records)+len(c.tx.Forget) == 0 {
			d.fail("it does nothing to chains")
		}
		c.kind, c.tx.Judged = kindTransaction, c.judged
	case kindStage:
		c.stage, c.part = d.uvarint(), d.number()
		c.updates = list(d, d.relationship)
	case kindImport:
		copy(c.key[:], d.take(uint64(len(c.key))))
		c.stage, c.part = d.uvarint(), d.number()
		c.tx = d.transaction()
	case kindDrop:
		c.drops = list(d, d.uvarint)
	case kindVersion:
		c.version = d.number()
	case kindEpoch:
		c.epoch = d.uvarint()
	case kindSettings:
		c.settings = d.settings()
	default:
		return nil, fmt.Errorf("a command has kind %d, which this version does not know: run the newer version", data[1])
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes follow it", len(d.rest))
	}
	if d.err != nil {
		return nil, fmt.Errorf("a command of kind %d is malformed: %w", c.kind, d.err)
	}
	return c, nil
}

// newestKind returns the last kind of command that a format has.
func newestKind(format byte) kind {
	switch {
	case format >= formatChains:
		return kindSeen
	case format >= formatOrigins:
		return kindRelying
	}
	return kindDrop
}

// number reads what count wrote for something that is no list.
func (d *decoder) number() int {
	n := d.uvarint()
	if n > maxCommand {
		d.fail("a number is %d", n)
		return 0
	}
	return int(n)
}

// digest identifies what a command asks for, whenever and by whom it was
// proposed.
func digest(data []byte) (sum [16]byte) {
	header := commandHeader
	if data[0] >= formatOrigins {
		header += originSize
	}
	whole := sha256.Sum256(data[header:])
	copy(sum[:], whole[:])
	return sum
}

func (e *encoder) transaction(tx *store.Transaction) {
	e.bool(tx.Schema != nil)
	if tx.Schema != nil {
		e.string(*tx.Schema)
	}
	e.count(len(tx.Preconditions))
	for i := range tx.Preconditions {
		e.filter(&tx.Preconditions[i].Filter)
		e.bool(tx.Preconditions[i].MustMatch)
	}
	e.count(len(tx.Deletes))
	for i := range tx.Deletes {
		e.filter(&tx.Deletes[i].Filter)
		e.count(tx.Deletes[i].Limit)
		e.bool(tx.Deletes[i].Partial)
	}
	e.count(len(tx.Updates))
	for i := range tx.Updates {
		e.byte(byte(tx.Updates[i].Op))
		e.relationship(&tx.Updates[i].Relationship)
	}
	e.count(len(tx.Documents))
	for i := range tx.Documents {
		e.document(&tx.Documents[i])
	}
	e.count(len(tx.Guards))
	for i := range tx.Guards {
		e.guard(&tx.Guards[i])
	}
	e.count(len(tx.Counters))
	for i := range tx.Counters {
		e.string(tx.Counters[i].Name)
		e.bool(tx.Counters[i].Filter != nil)
		if f := tx.Counters[i].Filter; f != nil {
			e.filter(f)
		}
	}
	e.count(len(tx.Expired))
	for i := range tx.Expired {
		e.relationship(&tx.Expired[i])
	}
	e.uvarint(uint64(tx.Floor))
	e.string(tx.Actor)
	e.json(tx.Metadata)
}

func (d *decoder) transaction() store.Transaction {
	var tx store.Transaction
	if d.bool() {
		text := d.string()
		tx.Schema = &text
	}
	tx.Preconditions = list(d, func() store.Precondition {
		return store.Precondition{Filter: d.filter(), MustMatch: d.bool()}
	})
	tx.Deletes = list(d, func() store.FilterDelete {
		return store.FilterDelete{Filter: d.filter(), Limit: d.number(), Partial: d.bool()}
	})
	tx.Updates = list(d, func() store.Update {
		return store.Update{Op: store.Op(d.byte()), Relationship: d.relationship()}
	})
	tx.Documents = list(d, d.document)
	tx.Guards = list(d, d.guard)
	tx.Counters = list(d, func() store.CounterUpdate {
		u := store.CounterUpdate{Name: d.string()}
		if d.bool() {
			f := d.filter()
			u.Filter = &f
		}
		return u
	})
	tx.Expired = list(d, d.relationship)
	tx.Floor = store.Revision(d.uvarint())
	tx.Actor = d.string()
	tx.Metadata = d.json()
	return tx
}

// documentPreconditions follow a transaction of kindRelying, kindChaining or kindSeen.
func (e *encoder) documentPreconditions(all []store.DocumentPrecondition) {
	e.count(len(all))
	for i := range all {
		e.string(all[i].Key)
		e.uvarint(uint64(all[i].Version))
	}
}

func (d *decoder) documentPreconditions() []store.DocumentPrecondition {
	return list(d, func() store.DocumentPrecondition {
		return store.DocumentPrecondition{Key: d.string(), Version: store.Revision(d.uvarint())}
	})
}

// chains is what a transaction of kindChaining or kindSeen does to chains, at its end.
func (e *encoder) chains(tx *store.Transaction) {
	e.count(len(tx.Records))
	for i := range tx.Records {
		e.string(tx.Records[i].Chain)
		e.bool(tx.Records[i].Stored)
		e.bytes(tx.Records[i].Value)
	}
	e.count(len(tx.Forget))
	for i := range tx.Forget {
		e.string(tx.Forget[i].Chain)
		e.uvarint(tx.Forget[i].Through)
	}
}

func (d *decoder) chains(tx *store.Transaction) {
	tx.Records = list(d, func() store.ChainRecord {
		return store.ChainRecord{Chain: d.string(), Stored: d.bool(), Value: d.bytes()}
	})
	tx.Forget = list(d, func() store.ForgetRecords {
		return store.ForgetRecords{Chain: d.string(), Through: d.uvarint()}
	})
}

func (e *encoder) filter(f *store.Filter) {
	for _, part := range []string{f.ResourceType, f.ResourceID, f.ResourceIDPrefix, f.Relation} {
		e.string(part)
	}
	e.bool(f.Subject != nil)
	if s := f.Subject; s != nil {
		e.string(s.Type)
		e.string(s.ID)
		e.bool(s.Relation != nil)
		if s.Relation != nil {
			e.string(*s.Relation)
		}
	}
}

func (d *decoder) filter() store.Filter {
	f := store.Filter{ResourceType: d.string(), ResourceID: d.string(), ResourceIDPrefix: d.string(), Relation: d.string()}
	if d.bool() {
		f.Subject = &store.SubjectFilter{Type: d.string(), ID: d.string()}
		if d.bool() {
			relation := d.string()
			f.Subject.Relation = &relation
		}
	}
	return f
}

func (e *encoder) guard(g *store.Guard) {
	e.object(g.Resource)
	e.string(g.Permission)
	e.subject(g.Subject)
	e.json(g.Context)
	e.bool(g.Must)
}

func (d *decoder) guard() store.Guard {
	return store.Guard{Resource: d.object(), Permission: d.string(), Subject: d.subject(), Context: d.json(), Must: d.bool()}
}

func (e *encoder) document(u *store.DocumentUpdate) {
	e.string(u.Key)
	e.byte(byte(u.Class))
	e.bool(u.Value != nil)
	if u.Value != nil {
		e.bytes(u.Value)
	}
	e.bool(u.IfVersion != nil)
	if u.IfVersion != nil {
		e.uvarint(uint64(*u.IfVersion))
	}
}

func (d *decoder) document() store.DocumentUpdate {
	u := store.DocumentUpdate{Key: d.string(), Class: store.Class(d.byte())}
	if d.bool() {
		if u.Value = d.bytes(); u.Value == nil {
			u.Value = []byte{}
		}
	}
	if d.bool() {
		rev := store.Revision(d.uvarint())
		u.IfVersion = &rev
	}
	return u
}
