package store

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/pemba-authz/pemba/engine"
)

// The first byte of every key is its table.
const (
	tableChanges   byte = 'c'
	tableDocuments byte = 'd'
	tableForward   byte = 'f'
	tableReverse   byte = 'r'
	tableSchemas   byte = 's'
	tableStates    byte = 't'
)

// separator ends every part of a relationship key but the last. No name and no
// id contains it, and it sorts before every byte that they may contain, so keys
// sort as the lists of their parts do.
const separator byte = 0

var errKey = errors.New("malformed key")

func appendParts(buf []byte, parts ...string) []byte {
	for _, p := range parts {
		buf = append(buf, p...)
		buf = append(buf, separator)
	}
	return buf
}

// forwardKey appends the key of a relationship to buf.
func forwardKey(buf []byte, r *engine.Relationship) []byte {
	buf = sectionPrefix(buf, r.Resource, r.Relation, r.Subject.Type, r.Subject.Relation)
	return append(buf, r.Subject.ID...)
}

// reverseKey appends the key that finds a relationship by its subject to buf.
func reverseKey(buf []byte, r *engine.Relationship) []byte {
	buf = holdersPrefix(buf, r.Subject, r.Resource.Type, r.Relation)
	return append(buf, r.Resource.ID...)
}

// resourcePrefix appends what the relationships of a resource begin with.
func resourcePrefix(buf []byte, resource engine.Object) []byte {
	return appendParts(append(buf, tableForward), resource.Type, resource.ID)
}

// setPrefix appends what the relationships of resource#relation begin with.
func setPrefix(buf []byte, resource engine.Object, relation string) []byte {
	return appendParts(resourcePrefix(buf, resource), relation)
}

// sectionPrefix appends what the relationships of resource#relation to subjects
// of one type and relation begin with; their ids follow.
func sectionPrefix(buf []byte, resource engine.Object, relation, subjectType, subjectRelation string) []byte {
	return appendParts(setPrefix(buf, resource, relation), subjectType, subjectRelation)
}

// holdersPrefix appends what the relationships of a subject to one relation of
// one type begin with; the ids of the resources follow.
func holdersPrefix(buf []byte, subject engine.Subject, resourceType, relation string) []byte {
	return appendParts(append(buf, tableReverse), subject.Type, subject.ID, subject.Relation, resourceType, relation)
}

// splitForward reads a relationship back from its forward key.
func splitForward(key []byte) (engine.Relationship, error) {
	var p [6]string
	if !split(key, tableForward, &p) {
		return engine.Relationship{}, errKey
	}
	return engine.Relationship{
		Resource: engine.Object{Type: p[0], ID: p[1]},
		Relation: p[2],
		Subject:  engine.Subject{Object: engine.Object{Type: p[3], ID: p[5]}, Relation: p[4]},
	}, nil
}

// splitReverse reads a relationship back from its reverse key.
func splitReverse(key []byte) (engine.Relationship, error) {
	var p [6]string
	if !split(key, tableReverse, &p) {
		return engine.Relationship{}, errKey
	}
	return engine.Relationship{
		Resource: engine.Object{Type: p[3], ID: p[5]},
		Relation: p[4],
		Subject:  engine.Subject{Object: engine.Object{Type: p[0], ID: p[1]}, Relation: p[2]},
	}, nil
}

// split cuts a key of one of the two relationship tables into its six parts.
func split(key []byte, table byte, parts *[6]string) bool {
	if len(key) == 0 || key[0] != table {
		return false
	}
	rest := string(key[1:])
	for i := range parts[:5] {
		var ok bool
		if parts[i], rest, ok = strings.Cut(rest, string(rune(separator))); !ok {
			return false
		}
	}
	parts[5] = rest
	return strings.IndexByte(rest, separator) < 0
}

// splitSection reads subject type, subject relation and subject id from what
// follows a setPrefix in a forward key.
func splitSection(rest []byte) (subjectType, subjectRelation, id []byte, err error) {
	t := indexSeparator(rest)
	if t < 0 {
		return nil, nil, nil, errKey
	}
	r := indexSeparator(rest[t+1:])
	if r < 0 {
		return nil, nil, nil, errKey
	}
	return rest[:t], rest[t+1 : t+1+r], rest[t+r+2:], nil
}

func indexSeparator(b []byte) int {
	for i, c := range b {
		if c == separator {
			return i
		}
	}
	return -1
}

// afterKey makes of a key the least one that is greater, in place if it can.
func afterKey(key []byte) []byte { return append(key, separator) }

// documentKey returns the key of a document; with a prefix of a document's key
// it returns what the keys of those documents begin with.
func documentKey(key string) []byte { return append([]byte{tableDocuments}, key...) }

func splitDocument(key []byte) (string, error) {
	if len(key) < 2 || key[0] != tableDocuments {
		return "", errKey
	}
	return string(key[1:]), nil
}

// revisionPrefix returns what the chunks of one revision begin with in the
// tables that are kept by revision.
func revisionPrefix(table byte, rev Revision) []byte {
	return binary.BigEndian.AppendUint64([]byte{table}, uint64(rev))
}

// chunkKey returns the key of one chunk, numbered from 0, of a revision.
func chunkKey(table byte, rev Revision, chunk int) []byte {
	return binary.BigEndian.AppendUint32(revisionPrefix(table, rev), uint32(chunk))
}

func splitChunk(key []byte) (table byte, rev Revision, chunk int, err error) {
	if len(key) != 13 {
		return 0, 0, 0, errKey
	}
	return key[0], Revision(binary.BigEndian.Uint64(key[1:])), int(binary.BigEndian.Uint32(key[9:])), nil
}

// filterPlan is the part of one index that holds all that a filter selects.
type filterPlan struct {
	prefix []byte
	key    func(buf []byte, r *engine.Relationship) []byte
	split  func(key []byte) (engine.Relationship, error)
	// subjectID, when set, is the one id that is wanted in each section; the
	// prefix ends before the subject relation.
	subjectID string
}

// planFilter picks the index of which the filter fixes the longest beginning:
// the forward one when the resource is named, else the reverse one when the
// subject is, else whichever type is.
func planFilter(f *Filter) filterPlan {
	sub := f.Subject
	if sub == nil {
		sub = &SubjectFilter{}
	}
	named := f.ResourceType != "" && f.ResourceID != ""
	if !named && sub.Type != "" && (sub.ID != "" || f.ResourceType == "") {
		p := filterPlan{prefix: []byte{tableReverse}, key: reverseKey, split: splitReverse}
		if p.fix(sub.Type, sub.ID) && sub.Relation != nil {
			p.prefix = appendParts(p.prefix, *sub.Relation)
			p.fix(f.ResourceType, f.Relation)
		}
		return p
	}
	p := filterPlan{prefix: []byte{tableForward}, key: forwardKey, split: splitForward}
	switch {
	case f.ResourceType == "":
	case !named:
		p.fix(f.ResourceType)
		p.prefix = append(p.prefix, f.ResourceIDPrefix...)
	case p.fix(f.ResourceType, f.ResourceID, f.Relation, sub.Type) && sub.Relation != nil:
		p.prefix = append(appendParts(p.prefix, *sub.Relation), sub.ID...)
	case f.Relation != "" && sub.Type != "":
		p.subjectID = sub.ID
	}
	return p
}

// fix extends the prefix by parts up to the first that is empty, and reports
// whether there was none.
func (p *filterPlan) fix(parts ...string) bool {
	for _, part := range parts {
		if part == "" {
			return false
		}
		p.prefix = appendParts(p.prefix, part)
	}
	return true
}

// skip returns where the wanted subject id comes next after a relationship that
// does not have it, nil when the walk should go on key by key.
func (p *filterPlan) skip(r *engine.Relationship) []byte {
	if p.subjectID == "" || r.Subject.ID == p.subjectID {
		return nil
	}
	section := append(p.prefix[:len(p.prefix):len(p.prefix)], r.Subject.Relation...)
	if r.Subject.ID < p.subjectID {
		return append(append(section, separator), p.subjectID...)
	}
	return append(section, separator+1)
}

// sectionEnd returns where the keys after a section begin, in place.
func sectionEnd(sectionPrefix []byte) []byte {
	sectionPrefix[len(sectionPrefix)-1]++
	return sectionPrefix
}
