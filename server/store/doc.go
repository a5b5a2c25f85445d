// Package store keeps relationships, schemas and documents by revision, in
// Badger.
//
// A revision is given by the caller, and is Badger's commit timestamp. Apply
// judges a Transaction on the state before it and writes all of it, or nothing,
// at one revision; a Snapshot reads the state of any revision that is still
// retained, and is the engine.Reader of that revision. What Apply does follows
// from the transaction and the stored state alone: it reads no clock, no random
// source, no map order and no flag, so that every machine that applies the same
// transactions holds the same state.
//
// The store refuses to know who asks, what time it is (transactions carry
// theirs), and how the order of transactions came about.
//
// # Tables
//
// Each table stands under its own first byte; parts are separated by 0x00, which
// no name and no id contains, so keys sort as their parts do. keys.go is the
// only file that builds or splits them.
//
//	f type 0 id 0 relation 0 subjectType 0 subjectRelation 0 subjectID   a relationship: its trait, usually empty
//	r subjectType 0 subjectID 0 subjectRelation 0 type 0 relation 0 id   the same, found by its subject
//	s revision chunk                                                     schema text written at a revision
//	d key                                                                a document; its class, and whether it is of a chain, is Badger's user byte
//	c revision chunk                                                     the record of what a revision changed
//	t revision chunk                                                     the small state at a revision
//
// No key is written by every revision: all versions of a key lie together, and
// each scan that passes them walks them all. The small state (counters, state
// hash, last entry time, floor, ends of chains) therefore lives in memory; Open loads the newest
// stored copy and catches up from the records after it.
//
// # Reading order
//
// transaction.go says what can be written, apply.go what becomes of it: judge.go,
// guards.go, constraints.go, schemas.go, documents.go, chains.go and counters.go
// refuse, changes.go records. links.go says what a record of a chain is. schemajudge.go judges a schema before it is applied.
// gaps.go and sweeps.go spare large transactions most of their reads.
// snapshot.go reads, and cache.go is why a warm read does not touch Badger.
// badger.go and bulk.go are the only files that name Badger; directory.go,
// current.go and checkpoint.go know what else is in the directory, tables.go
// whether its tables are whole. dump.go writes a revision with its history,
// load.go puts it in the place of the database (database.go) under open snapshots.
// import.go (with gate.go), retention.go, expired.go and verify.go stand on these.
//
// base.go is how a log of transactions opens a store and applies again what
// followed its snapshot; the log keeps the small state then.
package store
