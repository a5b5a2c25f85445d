package reload_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/reload"
)

// TestReload changes a file, breaks it, removes it and puts it back.
func TestReload(t *testing.T) {
	name := filepath.Join(t.TempDir(), "value")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loads := 0
	load := func() (string, error) {
		loads++
		data, err := os.ReadFile(name)
		if err == nil && len(data) == 0 {
			err = errors.New("it is empty")
		}
		return string(data), err
	}
	clock := time.Unix(1000, 0)
	now := func() time.Time { return clock }
	log := slog.New(slog.DiscardHandler)
	if _, err := reload.New(log, now, load, name); err == nil {
		t.Fatal("a file that is not there can be read")
	}
	write("one")
	v, err := reload.New(log, now, load, name)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		if got := v.Get(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	expect("one")
	write("two!")
	expect("one") // looked at just now
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "two!"},
		{func() { write("") }, "two!"},
		{func() { _ = os.Remove(name) }, "two!"},
		{func() { write("three") }, "three"},
	} {
		step.change()
		clock = clock.Add(time.Second)
		expect(step.want)
	}
	before := loads
	clock = clock.Add(time.Second)
	if expect("three"); loads > before {
		t.Error("a file was read again that had not changed")
	}
}
