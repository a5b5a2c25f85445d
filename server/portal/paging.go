package portal

import (
	"encoding/base64"
	"slices"
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// Sizes of pages.
const (
	defaultPage = 100
	maxPage     = 1_000
)

// pageSize returns how many rows a page has.
func pageSize(p *portalv1.Paging) (int, error) {
	switch n := p.GetSize(); {
	case n == 0:
		return defaultPage, nil
	case n > maxPage:
		return 0, invalid("paging.size", "%d is more than the %d rows that a page has at most", n, maxPage)
	default:
		return int(n), nil
	}
}

// cursors make and read the cursor of a list: the key of the last row that was
// given, so that a list that changes meanwhile goes on at the right place.
const cursorSeparator = "\x00"

// cursorAfter returns the cursor that goes on after a row with a sort key and id.
func cursorAfter(key, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(key + cursorSeparator + id))
}

// readCursor returns after which row to go on; two empty strings: from the start.
func readCursor(p *portalv1.Paging) (key, id string, err error) {
	if p.GetCursor() == "" {
		return "", "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	key, id, ok := strings.Cut(string(text), cursorSeparator)
	if err != nil || !ok {
		return "", "", invalid("paging.cursor", "it is none that a list of this kind returned; leave it out to begin again")
	}
	return key, id, nil
}

// sorted is a row with what it is sorted by.
type sorted[T any] struct {
	key, id string
	row     T
}

// before reports whether a row comes before another, by key and id.
func (a *sorted[T]) before(b *sorted[T], backward bool) bool {
	c := strings.Compare(a.key, b.key)
	if c == 0 {
		c = strings.Compare(a.id, b.id)
	}
	return c != 0 && (c < 0) != backward
}

// cut returns the page of rows, by key and id, that a request asks for, and the
// cursor of the next one ("" at the end). It sorts little more than it returns: of
// very many rows a page is few.
func cut[T any](rows []sorted[T], p *portalv1.Paging, backward bool) (page []T, next string, err error) {
	size, err := pageSize(p)
	if err != nil {
		return nil, "", err
	}
	key, id, err := readCursor(p)
	if err != nil {
		return nil, "", err
	}
	var after *sorted[T]
	if p.GetCursor() != "" {
		after = &sorted[T]{key: key, id: id}
	}
	found := first(rows, size+1, after, backward)
	for _, r := range found[:min(size, len(found))] {
		page = append(page, r.row)
	}
	if len(found) > size {
		next = cursorAfter(found[size-1].key, found[size-1].id)
	}
	return page, next, nil
}

// first returns the first n rows after one (nil: of all), sorted. It collects twice
// as many at most, and throws away the later half.
func first[T any](rows []sorted[T], n int, after *sorted[T], backward bool) []sorted[T] {
	var found []sorted[T]
	sort := func() {
		slices.SortFunc(found, func(a, b sorted[T]) int {
			switch {
			case a.before(&b, backward):
				return -1
			case b.before(&a, backward):
				return 1
			}
			return 0
		})
		found = found[:min(n, len(found))]
	}
	var last *sorted[T] // of n rows that were found: what comes after it is not wanted
	for i := range rows {
		r := &rows[i]
		if after != nil && !after.before(r, backward) || last != nil && !r.before(last, backward) {
			continue
		}
		if found = append(found, *r); len(found) == 2*n {
			sort()
			kept := found[n-1]
			last = &kept
		}
	}
	sort()
	return found
}
