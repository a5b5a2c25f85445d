package portal

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a file that is imported.
const (
	maxImport     = 2 << 20 // bytes
	maxImportRows = 10_000
)

const byteOrderMark = "\ufeff"

// userColumns are the columns of users in CSV.
var userColumns = []string{"email", "given_name", "surname", "job_title", "manager_email", "active"}

// formulaStarts are the characters with which a cell of a spreadsheet begins that is
// computed instead of shown: the wide forms too.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// safeCell makes a text one that no spreadsheet computes. unsafeCell undoes it.
func safeCell(s string) string {
	if s != "" && strings.ContainsAny(firstRune(s), formulaStarts) {
		return "'" + s
	}
	return s
}

// unsafeCell returns the text of a cell that safeCell may have made; ok is false for
// one that a spreadsheet would compute.
func unsafeCell(s string) (text string, ok bool) {
	if rest, quoted := strings.CutPrefix(s, "'"); quoted && safeCell(rest) != rest {
		return rest, true
	}
	return s, safeCell(s) == s
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// userRow is a row of a file that is imported.
type userRow struct {
	line  int
	cells map[string]string // by column; those that the file has
	err   error             // why it cannot be read
}

// readUsers reads a file of users. The error is about all of it; what is wrong with
// one row stands in that.
func readUsers(text string, columns map[string]string) ([]userRow, error) {
	if len(text) > maxImport {
		return nil, invalid("csv", "it has %d bytes; at most %d are allowed: cut it into several files, each with the head line", len(text), maxImport)
	}
	if !utf8.ValidString(text) {
		return nil, invalid("csv", "it is not UTF-8; save it as “CSV UTF-8”")
	}
	text = strings.TrimPrefix(text, byteOrderMark)
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.Comma = -1, separator(text)
	head, err := r.Read()
	if err != nil {
		return nil, invalid("csv", "it has no head line; the first line names the columns: %s", strings.Join(userColumns, ", "))
	}
	names, err := readHead(head, columns)
	if err != nil {
		return nil, err
	}
	var rows []userRow
	for {
		record, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		row := userRow{cells: map[string]string{}}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			row.line, row.err = bad.StartLine, invalid("csv", "a quote stands where none may, in line %d; a cell with a quote in it stands in quotes, and the quote is doubled", bad.Line)
		} else {
			row.line, _ = r.FieldPos(0)
			row.err = row.read(names, record)
		}
		if row.err == nil && row.empty() {
			continue
		}
		if len(rows) == maxImportRows {
			return nil, invalid("csv", "it has more than %d rows: cut it into several files, each with the head line", maxImportRows)
		}
		rows = append(rows, row)
	}
}

// separator returns what separates the cells: spreadsheets of some countries write
// semicolons.
func separator(text string) rune {
	head, _, _ := strings.Cut(text, "\n")
	if strings.Contains(head, ";") && !strings.Contains(head, ",") {
		return ';'
	}
	return ','
}

// readHead returns what the columns hold, "" for those that are left out. The file
// may call them by other names, which columns maps.
func readHead(head []string, columns map[string]string) ([]string, error) {
	known := "it is one of " + strings.Join(userColumns, ", ")
	names := make([]string, len(head))
	for i, cell := range head {
		cell = strings.TrimSpace(cell)
		name, mapped := columns[cell]
		if !mapped {
			name = strings.ReplaceAll(strings.ToLower(cell), " ", "_")
		}
		switch {
		case name == "" && mapped:
			continue
		case !slices.Contains(userColumns, name) && mapped:
			return nil, invalid("columns", "%.60q is mapped to %.60q, which is no column; %s, or empty to leave it out", cell, name, known)
		case !slices.Contains(userColumns, name):
			return nil, invalid("csv", "the column %.60q is unknown; %s: map it to one, or to nothing to leave it out", cell, known)
		case slices.Contains(names[:i], name):
			return nil, invalid("csv", "the column %s stands there twice", name)
		}
		names[i] = name
	}
	for from := range columns {
		if !slices.ContainsFunc(head, func(cell string) bool { return strings.TrimSpace(cell) == from }) {
			return nil, invalid("columns", "the head line has no column %.60q", from)
		}
	}
	if !slices.Contains(names, "email") {
		return nil, invalid("csv", "no column holds the e-mail address; one must be called email, or be mapped to it")
	}
	return names, nil
}

// read takes the cells of a record.
func (row *userRow) read(names, record []string) error {
	if len(record) != len(names) {
		return invalid("csv", "the row has %d cells, and the head line %d", len(record), len(names))
	}
	for i, cell := range record {
		if names[i] == "" {
			continue
		}
		text, ok := unsafeCell(strings.TrimSpace(cell))
		row.cells[names[i]] = text
		if !ok {
			return invalid(names[i], "a spreadsheet would compute a cell that begins with %q; put ' before it if it is meant so", firstRune(text))
		}
	}
	return nil
}

// empty reports whether no cell has a text.
func (row *userRow) empty() bool {
	for _, cell := range row.cells {
		if cell != "" {
			return false
		}
	}
	return true
}

// activity reads whether the user is to be active: nil when the row does not say.
func (row *userRow) activity() (*bool, error) {
	text := row.cells["active"]
	yes := false
	switch strings.ToLower(text) {
	case "":
		return nil, nil
	case "true", "yes", "1":
		yes = true
	case "false", "no", "0":
	default:
		return nil, invalid("active", "%.40q is neither true nor false", text)
	}
	return &yes, nil
}

// csvLine is a row of a file as it is written, its cells made safe.
func csvLine(cells ...string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	for i, c := range cells {
		cells[i] = safeCell(c)
	}
	if err := w.Write(cells); err != nil {
		panic(fmt.Sprintf("portal: a row of CSV: %v", err)) // a strings.Builder takes everything
	}
	w.Flush()
	return b.String()
}
