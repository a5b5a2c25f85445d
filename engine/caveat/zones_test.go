package caveat

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

// TestZoneinfo: a cluster whose members have two time zone databases could apply one
// guard in two ways. See zoneinfo before changing this hash.
func TestZoneinfo(t *testing.T) {
	const want = "8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(zoneinfo))); got != want {
		t.Errorf("zoneinfo.zip has hash %s, not %s", got, want)
	}
}

// TestEveryZone: each zone of the database can be read, and some are what they are
// known to be.
func TestEveryZone(t *testing.T) {
	if n := len(zoneFiles()); n < 400 {
		t.Fatalf("only %d time zones", n)
	}
	for name := range zoneFiles() {
		if _, err := location(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	winter := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	summer := time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)
	for _, known := range []struct{ name, winter, summer string }{
		{"Europe/Paris", "+01:00", "+02:00"},
		{"America/New_York", "-05:00", "-04:00"},
		{"US/Central", "-06:00", "-05:00"},
		{"Asia/Kolkata", "+05:30", "+05:30"},
		{"Australia/Lord_Howe", "+11:00", "+10:30"},
	} {
		in, err := location(known.name)
		if err != nil {
			t.Fatal(err)
		}
		if w, s := winter.In(in).Format("-07:00"), summer.In(in).Format("-07:00"); w != known.winter || s != known.summer {
			t.Errorf("%s is %s in winter and %s in summer, not %s and %s", known.name, w, s, known.winter, known.summer)
		}
	}
}
