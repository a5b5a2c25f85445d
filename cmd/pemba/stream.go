package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// relationshipJSON is a relationship as data, and a line of NDJSON. The other
// stream is the text form.
type relationshipJSON struct {
	Resource string         `json:"resource"` // type:id
	Relation string         `json:"relation"`
	Subject  string         `json:"subject"` // type:id or type:id#relation
	Caveat   string         `json:"caveat,omitempty"`
	Context  map[string]any `json:"context,omitempty"`
	Expires  string         `json:"expires,omitempty"` // RFC 3339
}

func relationshipData(r engine.Relationship) relationshipJSON {
	data := relationshipJSON{Resource: r.Resource.String(), Relation: r.Relation, Subject: r.Subject.String()}
	if t := r.Trait; t != nil {
		data.Caveat, data.Context = t.Caveat, t.Context
		if !t.Expires.IsZero() {
			data.Expires = t.Expires.Format(time.RFC3339Nano)
		}
	}
	return data
}

// parseLine reads one line of a stream: NDJSON when it begins with a brace,
// else text.
func parseLine(line string) (engine.Relationship, error) {
	if !strings.HasPrefix(line, "{") {
		return engine.ParseRelationship(line)
	}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var data relationshipJSON
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

func (d relationshipJSON) relationship() (engine.Relationship, error) {
	r, err := relationshipOf(d.Resource, d.Relation, d.Subject)
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
