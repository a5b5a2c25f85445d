package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// Definitions returns the names of the portal's definitions, sorted: nobody else
// writes their relationships.
func Definitions() []string {
	var names []string
	for _, t := range compiled().Types() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// compiled returns the portal's schema.
func compiled() *schema.Schema {
	s, err := schema.Compile(Schema, schema.Options{Caveats: caveat.New()})
	if err != nil {
		panic("portal: its own schema does not compile: " + err.Error())
	}
	return s
}

// installRetry is how long to wait before the schema is tried again.
const installRetry = time.Second

// install writes the portal's definitions into the schema, unless they are there.
// It tries until it succeeds or the portal is closed: a cluster may still be
// forming. It reports whether it did.
func (p *Portal) install() bool {
	for {
		err := p.Install(p.ctx)
		if err == nil || p.ctx.Err() != nil {
			return err == nil
		}
		if _, wait := errors.AsType[*replica.UnavailableError](err); !wait {
			p.log.Error("the portal's schema cannot be written; the portal is not usable", "error", err)
		}
		select {
		case <-time.After(installRetry):
		case <-p.ctx.Done():
			return false
		}
	}
}

// Install writes the portal's definitions into the schema, beside all others that
// it has, unless they are there. It may be called on every node, and again.
func (p *Portal) Install(ctx context.Context) error {
	for {
		err := p.installOnce(ctx)
		if !fits[*store.SchemaVersionError](err) { // or else somebody has written another schema meanwhile
			return err
		}
	}
}

func (p *Portal) installOnce(ctx context.Context) error {
	snap, err := p.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return err
	}
	defer snap.Close()
	present, err := snap.Schema()
	if errors.Is(err, store.ErrNoSchema) {
		present, err = &schema.Schema{}, nil
	}
	if err != nil {
		return err
	}
	text, ok := merged(present, compiled())
	if !ok {
		return nil
	}
	seen := snap.Revision()
	if _, err = p.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Schema: &text, SchemaSeen: &seen, Actor: "portal"}}); err != nil {
		return fmt.Errorf("writing the portal's schema: %w", err)
	}
	return nil
}

// merged returns the present schema with the portal's definitions in place of
// those of the same name; ok is false when it has them already.
func merged(present, ours *schema.Schema) (text string, ok bool) {
	have, want := blocks(present), blocks(ours)
	missing := slices.ContainsFunc(want, func(b string) bool { return !slices.Contains(have, b) })
	if !missing {
		return "", false
	}
	if len(present.Types()) == 0 {
		return Schema, true
	}
	kept := slices.DeleteFunc(have, func(b string) bool {
		name := defined(b)
		return name != "" && ours.Type(name) != nil
	})
	uses := slices.DeleteFunc(want, func(b string) bool { return defined(b) != "" || slices.Contains(kept, b) })
	rest := slices.DeleteFunc(blocks(ours), func(b string) bool { return defined(b) == "" })
	return strings.Join(slices.Concat(uses, kept, rest), "\n\n") + "\n", true
}

// blocks cuts the canonical text of a schema into its flags, one a block, and its
// caveats and definitions.
func blocks(s *schema.Schema) []string {
	var out []string
	text := s.Canonical()
	for line := range strings.Lines(text) {
		flag, ok := strings.CutPrefix(line, "use ")
		if !ok {
			break
		}
		out = append(out, "use "+strings.TrimSpace(flag))
		text = text[len(line):]
	}
	// A block ends with the brace at the beginning of a line.
	for _, b := range strings.SplitAfter(text, "\n}") {
		if b = strings.TrimSpace(b); b != "" {
			out = append(out, b)
		}
	}
	return splitEmpty(out)
}

// splitEmpty separates definitions without members, which end on their own line,
// from what follows them.
func splitEmpty(in []string) []string {
	var out []string
	for _, b := range in {
		for {
			i := strings.Index(b, " {}\n")
			if i < 0 {
				break
			}
			out, b = append(out, b[:i+3]), strings.TrimSpace(b[i+4:])
		}
		out = append(out, b)
	}
	return out
}

// defined returns the name of the definition of a block, "" for another.
func defined(block string) string {
	for line := range strings.Lines(block) {
		if rest, ok := strings.CutPrefix(line, "definition "); ok {
			name, _, _ := strings.Cut(rest, " ")
			return name
		}
	}
	return ""
}
