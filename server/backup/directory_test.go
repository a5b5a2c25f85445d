package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestNewName_IsNotTaken asks for names at one moment, while backups of it are there,
// under way and set aside.
func TestNewName_IsNotTaken(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, state := range []string{"", suspectEnd, unfinishedEnd, ""} {
		name := NewName(dir, at)
		want := filepath.Join(dir, "pemba-"+at.Add(time.Duration(i)*time.Millisecond).Format(stamp)+ending)
		if name != want {
			t.Errorf("the name is %s and not %s", name, want)
		}
		if err := os.WriteFile(name+state, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if name := NewName(filepath.Join(dir, "none"), at); filepath.Base(name) != "pemba-20260301T120000.000Z.backup" {
		t.Errorf("in a directory that is not there: %s", name)
	}
}
