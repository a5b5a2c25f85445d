package portal

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// imports imports a file and returns what became of each row, a line each.
func (f *firm) imports(r *portalv1.ImportUsersRequest) string {
	f.t.Helper()
	resp, err := f.people.ImportUsers(as(f.t, f.id, f.ada), r)
	done(f.t, err)
	var out strings.Builder
	counts := map[portalv1.ImportRow_Result]uint32{}
	for _, row := range resp.Rows {
		counts[row.Result]++
		word := strings.ToLower(strings.TrimPrefix(row.Result.String(), "RESULT_"))
		fmt.Fprintf(&out, "%d %s", row.Line, word)
		switch {
		case row.Error != "":
			fmt.Fprintf(&out, " [%s] %s", row.Column, row.Error)
		case len(row.Changes) > 0:
			fmt.Fprintf(&out, " %s", strings.Join(row.Changes, ","))
		}
		out.WriteString("\n")
	}
	if counts[portalv1.ImportRow_RESULT_CREATED] != resp.Created || counts[portalv1.ImportRow_RESULT_CHANGED] != resp.Changed ||
		counts[portalv1.ImportRow_RESULT_UNCHANGED] != resp.Unchanged || counts[portalv1.ImportRow_RESULT_ERROR] != resp.Failed {
		f.t.Errorf("%v does not count its rows", resp)
	}
	return out.String()
}

// exportStream takes what is exported.
type exportStream struct {
	grpc.ServerStream
	ctx  context.Context
	text strings.Builder
}

func (s *exportStream) Context() context.Context { return s.ctx }

func (s *exportStream) Send(r *portalv1.ExportUsersResponse) error {
	if !strings.HasSuffix(r.Csv, "\n") {
		return fmt.Errorf("%q is not cut at a line's end", r.Csv)
	}
	s.text.WriteString(r.Csv)
	return nil
}

func (f *firm) exports(r *portalv1.ExportUsersRequest) string {
	f.t.Helper()
	s := &exportStream{ctx: as(f.t, f.id, f.ada)}
	done(f.t, f.people.ExportUsers(r, s))
	return s.text.String()
}

// same compares texts of several lines.
func same(t testing.TB, what, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nand not\n%s", what, got, want)
	}
}

func TestImportUsers(t *testing.T) {
	f := found(t)
	g := f.other("globex")
	_, err := g.create("gus@globex.example", "Gus")
	done(t, err)
	f.group("Writers")
	file := byteOrderMark + `E-Mail;Given Name;surname;job_title;active;Shoes
bea@acme.example;Bea;Berg;Analyst;true;38
"cid@acme.example";"Cid ""the"" Kid";;analyst;no;39

BEA@acme.example;Bea;;;;
;;;;;
nobody;No;Body;;;
dan@acme.example;;Dahl;;;
eve@acme.example;Eve;;Writers;;
gus@globex.example;Gus;;;;
fay@acme.example;=1+1;;;;
'-gil@acme.example;Gil;;;perhaps;
hal@acme.example;Hal
ivy@acme.example;Iv"y;;;;
jo@acme.example;Jo;;Analyst;;
`
	columns := map[string]string{"E-Mail": "email", "Shoes": ""}
	want := `
2 created email,given_name,surname,job_title
3 created email,given_name,job_title,active
5 error [email] email: it stands in line 2 already
7 error [email] email: "nobody" is no e-mail address; it looks like name@example.com
8 error [given_name] given_name: it is missing
9 error [job_title] job_title: there is a group of that name; a job title may not be called like a group
10 error [email] email: gus@globex.example is taken; an address belongs to one user, whatever the case
11 error [given_name] given_name: a spreadsheet would compute a cell that begins with "="; put ' before it if it is meant so
12 error [active] active: "perhaps" is neither true nor false
13 error [csv] csv: the row has 2 cells, and the head line 6
14 error [csv] csv: a quote stands where none may, in line 14; a cell with a quote in it stands in quotes, and the quote is doubled
15 created email,given_name,job_title
`
	head := f.replica.Head()
	same(t, "dry run", f.imports(&portalv1.ImportUsersRequest{Csv: file, Columns: columns, DryRun: true}), want)
	if f.names(&portalv1.ListUsersRequest{}) != "admin" || f.replica.Head() != head {
		t.Error("a dry run wrote something")
	}
	same(t, "import", f.imports(&portalv1.ImportUsersRequest{Csv: file, Columns: columns}), want)
	if got := f.names(&portalv1.ListUsersRequest{}); got != "admin bea cid jo" {
		t.Errorf("%s", got)
	}
	if f.holders(f.title("Analyst")) != 3 {
		t.Error("not all have their title")
	}
	again := f.imports(&portalv1.ImportUsersRequest{Csv: file, Columns: columns})
	if !strings.HasPrefix(again, "2 error [email] email: bea@acme.example is a user already; import with update to change users\n") {
		t.Errorf("%s", again)
	}
	change := "email,job_title,active,manager_email\nbea@acme.example,Architect,true,\ncid@acme.example,Analyst,true,ada@acme.example\njo@acme.example,,false,\nkim@acme.example,,,\n"
	want = `
2 changed job_title
3 changed manager_email,active
4 changed job_title,active
5 error [given_name] given_name: it is missing
`
	same(t, "dry update", f.imports(&portalv1.ImportUsersRequest{Csv: change, Update: true, DryRun: true}), want)
	same(t, "update", f.imports(&portalv1.ImportUsersRequest{Csv: change, Update: true}), want)
	same(t, "update again", f.imports(&portalv1.ImportUsersRequest{Csv: change, Update: true}), `
2 unchanged
3 unchanged
4 unchanged
5 error [given_name] given_name: it is missing`)
	same(t, "export", f.exports(&portalv1.ExportUsersRequest{Search: "acme.example"}), byteOrderMark+`email,given_name,surname,job_title,manager_email,active
admin@acme.example,Ada,Min,,,true
bea@acme.example,Bea,Berg,Architect,,true
cid@acme.example,"Cid ""the"" Kid",,Analyst,ada@acme.example,true
jo@acme.example,Jo,,,,false`)
}

func TestImportUsers_RefusesWholeFiles(t *testing.T) {
	f := found(t)
	for what, c := range map[string]struct {
		r     *portalv1.ImportUsersRequest
		field string
	}{
		"nothing":              {&portalv1.ImportUsersRequest{}, "csv"},
		"no UTF-8":             {&portalv1.ImportUsersRequest{Csv: "email\n\xff"}, "csv"},
		"an unknown column":    {&portalv1.ImportUsersRequest{Csv: "email,shoes\n"}, "csv"},
		"a column twice":       {&portalv1.ImportUsersRequest{Csv: "email,E-Mail\n", Columns: map[string]string{"E-Mail": "email"}}, "csv"},
		"no address":           {&portalv1.ImportUsersRequest{Csv: "given_name\nBea\n"}, "csv"},
		"an unknown target":    {&portalv1.ImportUsersRequest{Csv: "Mail\n", Columns: map[string]string{"Mail": "mail"}}, "columns"},
		"a column that is not": {&portalv1.ImportUsersRequest{Csv: "email\n", Columns: map[string]string{"Mail": "email"}}, "columns"},
		"too long":             {&portalv1.ImportUsersRequest{Csv: "email\n" + strings.Repeat("x", maxImport)}, "csv"},
		"too many rows":        {&portalv1.ImportUsersRequest{Csv: "email\n" + strings.Repeat("x\n", maxImportRows+1)}, "csv"},
	} {
		_, err := f.people.ImportUsers(as(t, "acme", f.ada), c.r)
		if r := denied(t, what, err, Invalid, ""); r.Field != c.field {
			t.Errorf("%s: the field is %s: %s", what, r.Field, r.Msg)
		}
	}
	bea := f.hire("Bea", "")
	_, err := f.people.ImportUsers(as(t, "acme", bea), &portalv1.ImportUsersRequest{Csv: "email\n"})
	denied(t, "by a plain user", err, NotAllowed, "")
	denied(t, "exported by a plain user", f.people.ExportUsers(&portalv1.ExportUsersRequest{}, &exportStream{ctx: as(t, "acme", bea)}), NotAllowed, "")
}

// TestImportUsers_OneRowIsTooMuch imports more into a licensed group than there are
// licences for: the rows that fit are done.
func TestImportUsers_OneRowIsTooMuch(t *testing.T) {
	f := found(t)
	f.hire("Bea", "Analyst")
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 4, "admin")
	id := f.group("Readers", "job_title:"+f.title("Analyst"))
	_, err := (&subscriptionService{Portal: f.Portal}).IncludeUsers(as(t, "acme", f.ada), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theGroup(id)}, Role: roleUser})
	done(t, err)
	var file strings.Builder
	file.WriteString("email,given_name,job_title\n")
	for i := range 6 {
		title := "Analyst"
		if i%3 == 2 {
			title = ""
		}
		fmt.Fprintf(&file, "u%d@acme.example,U%d,%s\n", i, i, title)
	}
	want := strings.ReplaceAll(`
2 created email,given_name,job_title
3 created email,given_name,job_title
4 created email,given_name
5 error [] FULL
6 error [] FULL
7 created email,given_name`, "FULL", "the subscription of Modeler has 4 licences, of which 0 are free, and 1 are needed; buy more, or remove users first")
	dry := f.imports(&portalv1.ImportUsersRequest{Csv: file.String(), DryRun: true})
	if got := strings.Count(dry, "error [] the subscription of Modeler has 4 licences"); got != 2 {
		t.Errorf("%s", dry)
	}
	same(t, "import", f.imports(&portalv1.ImportUsersRequest{Csv: file.String()}), want)
	if used := seats(t, f.Portal, "acme", sub); used != 4 {
		t.Errorf("%d licences are used", used)
	}
}

// TestImportUsers_TakesTheLastAdministrator makes two administrators inactive in one
// file: the second is the last.
func TestImportUsers_TakesTheLastAdministrator(t *testing.T) {
	f := found(t)
	for _, name := range []string{"Bea", "Cid"} {
		done(t, f.include(f.hire(name, "")))
	}
	file := "email,active\nbea@acme.example,false\ncid@acme.example,false\nadmin@acme.example,false\n"
	want := `
2 changed active
3 changed active
4 error [] Ada Min is the only active administrator of the company; give that to somebody else who is active first, or name a successor`
	same(t, "dry run", f.imports(&portalv1.ImportUsersRequest{Csv: file, Update: true, DryRun: true}), want)
	same(t, "import", f.imports(&portalv1.ImportUsersRequest{Csv: file, Update: true}), want)
}

// TestCSVInjection takes every way by which a spreadsheet begins to compute through
// an export and an import.
func TestCSVInjection(t *testing.T) {
	f := found(t)
	for i, start := range strings.Split("= + - @ ＝ ＋ － ＠", " ") {
		_, err := f.people.CreateUser(as(t, "acme", f.ada), &portalv1.CreateUserRequest{
			Email: fmt.Sprintf("=%d@acme.example", i), GivenName: start + "cmd|' /C calc'!A0", Surname: start + "1", JobTitle: start + "2", NoInvitation: true,
		})
		done(t, err)
	}
	text := f.exports(&portalv1.ExportUsersRequest{})
	for _, line := range strings.Split(strings.TrimPrefix(text, byteOrderMark), "\n") {
		for _, cell := range strings.Split(line, ",") {
			if cell = strings.TrimPrefix(cell, `"`); cell != "" && strings.ContainsAny(firstRune(cell), formulaStarts) {
				t.Errorf("the cell %q is computed", cell)
			}
		}
	}
	got := f.imports(&portalv1.ImportUsersRequest{Csv: text, Update: true})
	if strings.Count(got, "unchanged") != 9 {
		t.Errorf("what was exported does not come back as it was:\n%s", got)
	}
}
