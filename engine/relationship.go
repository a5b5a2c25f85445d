package engine

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// Wildcard is the id of a subject that stands for every subject of its type.
const Wildcard = "*"

// Object is one thing: a type and an id. It is a value: comparable, and usable
// as a key.
type Object struct {
	Type, ID string
}

// String returns "type:id".
func (o Object) String() string { return o.Type + ":" + o.ID }

// Subject is an object, or everyone in a relation or permission of it (a
// userset). ID "*" stands for every object of the type.
type Subject struct {
	Object
	Relation string // empty: the object itself; never "..."
}

// IsWildcard reports whether the subject is "type:*".
func (s Subject) IsWildcard() bool { return s.ID == Wildcard }

// String returns "type:id" or "type:id#relation".
func (s Subject) String() string {
	if s.Relation == "" {
		return s.Object.String()
	}
	return s.Object.String() + "#" + s.Relation
}

// Compare orders subjects by type, relation and id, which is the order that
// stores keep them in.
func (s Subject) Compare(t Subject) int {
	return cmp.Or(cmp.Compare(s.Type, t.Type), cmp.Compare(s.Relation, t.Relation), cmp.Compare(s.ID, t.ID))
}

// Trait is what a relationship carries besides its three parts. A nil *Trait is
// a relationship without conditions. A Trait is never changed once it is shared.
type Trait struct {
	Caveat  string         // the caveat's name; empty when there is none
	Context map[string]any // stored values, as encoding/json with UseNumber decodes them; nil when there are none
	Expires time.Time      // in UTC; the relationship exists before this moment; zero when it does not expire
}

// expired reports whether the relationship no longer exists at now.
func (t *Trait) expired(now time.Time) bool {
	return t != nil && !t.Expires.IsZero() && !now.Before(t.Expires)
}

// Alive reports whether a relationship with this trait exists at now: one that
// expires at or before now does not. It accepts a nil *Trait.
func (t *Trait) Alive(now time.Time) bool { return !t.expired(now) }

// Relationship says that the subject is in the relation of the resource.
type Relationship struct {
	Resource Object
	Relation string
	Subject  Subject
	Trait    *Trait // nil when it carries neither caveat nor expiration
}

// Key returns the relationship without what it carries: two relationships with
// one key are the same one.
func (r Relationship) Key() Relationship {
	r.Trait = nil
	return r
}

// Compare orders relationships by resource type, id, relation and subject,
// which is the order that stores keep them in.
func (r Relationship) Compare(o Relationship) int {
	return cmp.Or(
		cmp.Compare(r.Resource.Type, o.Resource.Type),
		cmp.Compare(r.Resource.ID, o.Resource.ID),
		cmp.Compare(r.Relation, o.Relation),
		r.Subject.Compare(o.Subject),
	)
}

// String returns the text form, which ParseRelationship reads back.
func (r Relationship) String() string {
	var b strings.Builder
	b.WriteString(r.Resource.String())
	b.WriteByte('#')
	b.WriteString(r.Relation)
	b.WriteByte('@')
	b.WriteString(r.Subject.String())
	if t := r.Trait; t != nil {
		if t.Caveat != "" {
			b.WriteByte('[')
			b.WriteString(t.Caveat)
			if len(t.Context) > 0 {
				b.WriteByte(':')
				b.Write(contextJSON(t.Context))
			}
			b.WriteByte(']')
		}
		if !t.Expires.IsZero() {
			b.WriteString("[expiration:")
			b.WriteString(t.Expires.UTC().Format(time.RFC3339Nano))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// contextJSON encodes a context with its keys sorted and nothing escaped that
// JSON lets stand.
func contextJSON(context map[string]any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(context); err != nil {
		// Contexts come from a JSON decoder, so they encode.
		return []byte("{}")
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
