package server

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

func lookup() *v1.LookupResourcesRequest {
	return &v1.LookupResourcesRequest{
		ResourceObjectType: "document", Permission: "view", OptionalLimit: 10,
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "anne"}},
		Context: &structpb.Struct{Fields: map[string]*structpb.Value{
			"a": structpb.NewNumberValue(1), "b": structpb.NewStringValue("x"), "c": structpb.NewBoolValue(true),
		}},
	}
}

// TestCursors gives back what was put into a cursor, for an equal request.
func TestCursors(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(rt, "now")).UTC()
		token, place := rapid.String().Draw(rt, "token"), rapid.String().Draw(rt, "place")
		given := newCursors(lookup(), now, token).at(place)
		again := lookup()
		again.OptionalCursor = given
		again.Consistency = fullyConsistent
		again.WithDebug = true
		c, at, err := parseCursor(again, given.Token)
		if err != nil || at != place || c.token != token || !c.now.Equal(now) {
			rt.Fatalf("%+v, %q, %v", c, at, err)
		}
		if c.at(place).Token != given.Token {
			rt.Fatal("the next page makes other cursors")
		}
	})
}

// TestForeignCursors refuses a cursor for every other request.
func TestForeignCursors(t *testing.T) {
	given := newCursors(lookup(), time.Unix(0, 0), "token").at("place").Token
	for name, change := range map[string]func(*v1.LookupResourcesRequest){
		"type":       func(r *v1.LookupResourcesRequest) { r.ResourceObjectType = "folder" },
		"permission": func(r *v1.LookupResourcesRequest) { r.Permission = "edit" },
		"subject":    func(r *v1.LookupResourcesRequest) { r.Subject.Object.ObjectId = "bob" },
		"relation":   func(r *v1.LookupResourcesRequest) { r.Subject.OptionalRelation = "member" },
		"limit":      func(r *v1.LookupResourcesRequest) { r.OptionalLimit = 11 },
		"context":    func(r *v1.LookupResourcesRequest) { r.Context.Fields["a"] = structpb.NewNumberValue(2) },
		"no context": func(r *v1.LookupResourcesRequest) { r.Context = nil },
	} {
		r := lookup()
		change(r)
		_, _, err := parseCursor(r, given)
		refused, ok := errors.AsType[*requestError](err)
		if !ok || refused.reason != v1.ErrorReason_ERROR_REASON_INVALID_CURSOR || !strings.Contains(err.Error(), "another request") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCursors reads anything as a cursor; only what was made is one.
func FuzzCursors(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte{cursorFormat})
	for _, place := range []string{"", "a", "document:a#viewer@user:b"} {
		text, err := base64.RawURLEncoding.DecodeString(newCursors(lookup(), time.Unix(1, 0), "t").at(place).Token)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := base64.RawURLEncoding.EncodeToString(raw)
		_, _, err := parseCursor(lookup(), text)
		if err != nil {
			if refused, ok := errors.AsType[*requestError](err); !ok || refused.reason != v1.ErrorReason_ERROR_REASON_INVALID_CURSOR {
				t.Fatal(err)
			}
		}
	})
}
