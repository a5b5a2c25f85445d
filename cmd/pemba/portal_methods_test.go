package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// TestPortalIsScriptable: whatever the portal's API can do, a command does.
func TestPortalIsScriptable(t *testing.T) {
	notByCommands := map[string]string{
		"GetFirstRun":      "the page of the first run asks it",
		"CompleteFirstRun": "operators make companies by a command",
		"BeginFirstRun":    "it sends a browser to the company's authenticator",
		"BeginSignIn":      "it sends a browser to an outside authenticator",
		"SignInWithKey":    "commands show the key itself",
	}
	files, err := filepath.Glob("portal_*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	seen := 0
	protoregistry.GlobalFiles.RangeFilesByPackage(portalv1.File_pemba_portal_v1_session_proto.Package(), func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				name := string(methods.Get(j).Name())
				called := strings.Contains(source.String(), "."+name+"(")
				if reason, excused := notByCommands[name]; called == excused {
					t.Errorf("%s: a command calls it: %t; why none would: %q", name, called, reason)
				}
				seen++
			}
		}
		return true
	})
	if seen < 90 {
		t.Errorf("only %d methods were seen", seen)
	}
}
