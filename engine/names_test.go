package engine

import (
	"regexp"
	"testing"
)

// TestObjectIDBytes compares the bytes that ids may have with a pattern.
func TestObjectIDBytes(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-zA-Z0-9/_|\-=+]$`)
	for c := range 256 {
		id := string([]byte{byte(c)})
		if got, want := CheckObjectID(id) == nil, pattern.MatchString(id); got != want {
			t.Errorf("%q: allowed is %v, want %v", id, got, want)
		}
	}
}
