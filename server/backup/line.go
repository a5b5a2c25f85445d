package backup

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Relationship is a relationship as data, and a line of NDJSON. The other form of a
// line is the text form.
type Relationship struct {
	Resource string         `json:"resource"` // type:id
	Relation string         `json:"relation"`
	Subject  string         `json:"subject"` // type:id or type:id#relation
	Caveat   string         `json:"caveat,omitempty"`
	Context  map[string]any `json:"context,omitempty"`
	Expires  string         `json:"expires,omitempty"` // RFC 3339
}

// RelationshipData returns a relationship as data.
func RelationshipData(r engine.Relationship) Relationship {
	data := Relationship{Resource: r.Resource.String(), Relation: r.Relation, Subject: r.Subject.String()}
	if t := r.Trait; t != nil {
		data.Caveat, data.Context = t.Caveat, t.Context
		if !t.Expires.IsZero() {
			data.Expires = t.Expires.Format(time.RFC3339Nano)
		}
	}
	return data
}

// ParseLine reads one line of a stream: NDJSON when it begins with a brace,
// else text.
func ParseLine(line string) (engine.Relationship, error) {
	if !strings.HasPrefix(line, "{") {
		return engine.ParseRelationship(line)
	}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var data Relationship
	if err := dec.Decode(&data); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON object is cut short")
		}
		return engine.Relationship{}, fmt.Errorf("not a relationship as JSON: %w", err)
	}
	if dec.More() {
		return engine.Relationship{}, errors.New("more than one JSON value stands on the line")
	}
	return data.relationship()
}

func (d Relationship) relationship() (engine.Relationship, error) {
	resource, err1 := engine.ParseObject(d.Resource)
	err2 := engine.CheckRelationName(d.Relation)
	subject, err3 := engine.ParseSubject(d.Subject)
	r := engine.Relationship{Resource: resource, Relation: d.Relation, Subject: subject}
	err := cmp.Or(err1, err2, err3)
	if err != nil {
		return r, err
	}
	if d.Caveat == "" && len(d.Context) > 0 {
		return r, errors.New(`"context" stands without "caveat"`)
	}
	if d.Caveat == "" && d.Expires == "" {
		return r, nil
	}
	r.Trait = &engine.Trait{Caveat: d.Caveat}
	if len(d.Context) > 0 {
		r.Trait.Context = d.Context
	}
	if d.Expires != "" {
		r.Trait.Expires, err = engine.ParseTime(d.Expires)
	}
	return r, err
}

// compactJSON encodes without escaping what HTML would need escaped.
func compactJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
