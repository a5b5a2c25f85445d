package portal

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line reads a text of one line: white space around it goes, and what is left has
// from least to most characters, none of which is a control character.
func line(field, text string, least, most int) (string, error) {
	return clean(field, text, least, most, func(r rune) bool { return unicode.IsControl(r) })
}

// prose reads a text of several lines.
func prose(field, text string, least, most int) (string, error) {
	return clean(field, text, least, most, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}

func clean(field, text string, least, most int, forbidden func(rune) bool) (string, error) {
	if !utf8.ValidString(text) {
		return "", invalid(field, "it is not UTF-8")
	}
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n < least && least == 1:
		return "", invalid(field, "it is missing")
	case n < least:
		return "", invalid(field, "it has %d characters; at least %d are needed", n, least)
	case n > most:
		return "", invalid(field, "it has %d characters; at most %d are allowed", n, most)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return forbidden(r) || bidirectional(r) }); i >= 0 {
		return "", invalid(field, "it has a control character at byte %d; leave it out", i+1)
	}
	return text, nil
}

// bidirectional reports whether a character turns the direction of what follows:
// with them a name can look like another one.
func bidirectional(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// maxEmail bounds an e-mail address, in bytes (RFC 5321, 4.5.3.1.3).
const maxEmail = 254

// email reads an e-mail address.
func email(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", invalid(field, "it is missing")
	}
	at, err := mail.ParseAddress(text)
	if err != nil || at.Address != text || len(text) > maxEmail || strings.ContainsFunc(text, bidirectional) || strings.ContainsAny(text, "\"/\\ \t") || !strings.Contains(text[strings.LastIndexByte(text, '@'):], ".") {
		return "", invalid(field, "%.100q is no e-mail address; it looks like name@example.com", text)
	}
	return text, nil
}

// nearest is what the results of a search while somebody types are sorted by: the name,
// and before all others those who are called, or have the address, exactly as is
// searched for. All are in lower case; a group has no address.
func nearest(search, name, address string) string {
	if search != "" && (name == search || address == search) {
		return ""
	}
	return name
}

// newPerson reads who is created.
func newPerson(address, given, surname string) (*userDoc, error) {
	var d userDoc
	var err error
	if d.Email, err = email("email", address); err != nil {
		return nil, err
	}
	if d.GivenName, err = line("given_name", given, 1, 100); err != nil {
		return nil, err
	}
	if d.Surname, err = line("surname", surname, 0, 100); err != nil {
		return nil, err
	}
	return &d, nil
}

// under says of a refused field which of several alike it is: "email" becomes
// "administrator_email", or with another prefix "administrator.email".
func under(prefix string, err error) error {
	r, ok := errors.AsType[*Refusal](err)
	if !ok || r.Field == "" {
		return err
	}
	out := *r
	out.Field, out.Msg = prefix+r.Field, prefix+r.Msg
	return &out
}
