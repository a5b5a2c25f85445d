package enginetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// World is everything an answer depends on, and the questions to ask of it.
// The zero World is empty; NewWorld makes a random one.
type World struct {
	Seed          uint64
	Schema        string
	Relationships []engine.Relationship // no two with one key
	Context       map[string]any        // the request's, as encoding/json with UseNumber decodes it
	Now           time.Time
	Questions     []Question

	// Unstratified is whether the schema was made without care for recursion
	// through the right side of an exclusion, so that some questions have no answer.
	Unstratified bool
}

// Question asks whether the subject is in the relation of the resource.
type Question struct {
	Resource engine.Object
	Relation string
	Subject  engine.Subject
}

// String returns "type:id#relation@subject".
func (q Question) String() string {
	return q.Resource.String() + "#" + q.Relation + "@" + q.Subject.String()
}

// Reference returns the reference evaluator of the world. It returns an error
// if the schema does not parse or a caveat is outside the little grammar.
func (w World) Reference() (*Reference, error) {
	file, err := syntax.Parse(w.Schema)
	if err != nil {
		return nil, fmt.Errorf("parsing the schema of world %d: %w", w.Seed, err)
	}
	return NewReference(file, w.Relationships, w.Context, w.Now)
}

// String prints the world as a scenario for engine/testdata/scenarios, with the
// reference's answers as what is expected. Costs are left out: the -rewrite flag
// of the scenario test fills them in.
func (w World) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# World %d: go test ./engine -run TestWorlds -seed %d -worlds 1\n", w.Seed, w.Seed)
	section := func(directive, input string) {
		fmt.Fprintf(&b, "%s\n%s\n----\n\n", directive, strings.TrimRight(input, "\n"))
	}
	section("schema", w.Schema)
	var rels strings.Builder
	for _, r := range w.Relationships {
		rels.WriteString(r.String() + "\n")
	}
	section("write", rels.String())
	section("now", w.Now.Format(time.RFC3339Nano))
	if len(w.Context) > 0 {
		text, err := json.Marshal(w.Context)
		if err != nil {
			text = []byte(err.Error())
		}
		section("context", string(text))
	}
	ref, err := w.Reference()
	b.WriteString("check\n")
	for _, q := range w.Questions {
		b.WriteString(q.String() + "\n")
	}
	b.WriteString("----\n")
	for _, q := range w.Questions {
		if err != nil {
			fmt.Fprintf(&b, "%s: no reference: %v\n", q, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", q, ref.Check(q.Resource, q.Relation, q.Subject))
	}
	return b.String()
}
