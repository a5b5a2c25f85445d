package server

import "testing"

// FuzzCodes proves of the encodings of names that they can be taken back, that
// what they make is a name (unless it is too long), and that names stay as they
// are where they can.
func FuzzCodes(f *testing.F) {
	for _, name := range []string{"", "*", "anne", "a=b", "=_", "=_=2a", "=_=2A", "=_a", "beth@the-smiths.com", "GET", "enc_", "enc__47", "enc_get", "can_read", "ö\x00\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, c := range []code{idCode, actionCode} {
			stored := c.encode(name)
			if back := c.decode(stored); back != name {
				t.Errorf("%q became %q and then %q", name, stored, back)
			}
			if len(stored) <= 64 && len(name) > 0 && !c.accept(stored) {
				t.Errorf("%q became %q, which is no name", name, stored)
			}
			if back := c.encode(c.decode(name)); c.accept(name) && back != name && len(name) <= len(c.prefix) {
				t.Errorf("%q is found as %q", name, back)
			}
		}
	})
}
