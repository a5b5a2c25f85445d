package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// TestReviewEnds has a review that may look at few relationships say what it did
// not judge.
func TestReviewEnds(t *testing.T) {
	r, err := replica.Open(context.Background(), replica.Config{InMemory: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	s, err := New(Config{Replica: r, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	text := "use expiration\ndefinition user {}\ndefinition document {\n\trelation owner: user\n\trelation late: user with expiration\n}"
	tx := store.Transaction{Schema: &text}
	for _, line := range []string{
		"document:a#owner@user:anne", "document:a#owner@user:bob", "document:b#owner@user:anne", "document:b#owner@user:bob",
		"document:a#late@user:anne[expiration:2999-01-01T00:00:00Z]", "document:b#late@user:anne[expiration:2999-01-01T00:00:00Z]",
	} {
		rel, err := engine.ParseRelationship(line)
		if err != nil {
			t.Fatal(err)
		}
		tx.Updates = append(tx.Updates, store.Update{Op: store.Create, Relationship: rel})
	}
	if _, err := r.Propose(t.Context(), replica.Proposal{Tx: tx}); err != nil {
		t.Fatal(err)
	}
	next, err := schema.Compile("use constraint\ndefinition user {}\ndefinition document {\n\trelation owner: user\n\tconstraint one_owner = at_most_one(owner)\n}", schema.Options{Caveats: caveat.New()})
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int]string{
		0:   "late 0 more, one_owner unjudged",
		4:   "late 0 more, one_owner 1 more unjudged",
		100: "late 2, one_owner 2",
	} {
		live, counts, err := s.live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := &review{asked: live, counts: counts, text: next, left: left}
		changes, err := v.changes(t.Context())
		live.Close()
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, c := range changes {
			part := c.GetName()
			for _, o := range c.GetObstacles() {
				part += fmt.Sprint(" ", o.GetCount())
				if o.GetMore() {
					part += " more"
				}
			}
			parts = append(parts, part)
		}
		got := strings.Join(parts, ", ")
		if len(v.unjudged) > 0 {
			got += " unjudged"
		}
		if got != want {
			t.Errorf("with %d: got %q, want %q", left, got, want)
		}
	}
}

// TestRangesCountAsBrowsersDo compares offsets with what encoding in UTF-16 gives.
func TestRangesCountAsBrowsersDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Repeat(rapid.StringOf(rapid.RuneFrom([]rune("aä€𝛑\n"))).Draw(rt, "text"), rapid.IntRange(1, 400).Draw(rt, "times"))
		in := newRanges(text)
		places := []int{0, len(text)}
		for i := range text {
			if i%97 < 3 || i%markEvery < 4 || i%markEvery > markEvery-4 {
				places = append(places, i)
			}
		}
		for _, at := range places[:min(len(places), 60)] {
			if got, want := in.offset(at), uint32(len(utf16.Encode([]rune(text[:at])))); got != want {
				rt.Fatalf("byte %d of %q: got %d, want %d", at, text, got, want)
			}
		}
	})
	if r := newRanges("a").word(syntax.Pos{}); r != nil {
		t.Errorf("no place has the range %v", r)
	}
}
