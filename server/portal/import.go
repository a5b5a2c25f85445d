package portal

import (
	"context"
	"errors"
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// importBatch is how many rows are written in one transaction. Each row keeps its
// own result and its own record in the audit log.
const importBatch = 50

// ImportUsers creates and changes users by rows of CSV. A row that cannot be done
// says why and does not keep the others from being done. When the call ends early,
// what was written stays: the same file can be imported again, with update.
func (s *peopleService) ImportUsers(ctx context.Context, r *portalv1.ImportUsersRequest) (*portalv1.ImportUsersResponse, error) {
	read, err := readUsers(r.Csv, r.Columns)
	if err != nil {
		return nil, err
	}
	im := &importing{people: s, request: r, resp: &portalv1.ImportUsersResponse{}}
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	for _, permission := range im.needs() {
		if err := v.reads(ctx, "user.import", asked{v.company(), permission}); err != nil {
			return nil, err
		}
	}
	im.resp.WrittenAt = v.token()
	im.take(read)
	if r.DryRun {
		err = im.judge(ctx, v)
	} else {
		err = im.write(ctx)
	}
	if err != nil {
		return nil, err
	}
	if r.Invite && !r.DryRun {
		im.invite(ctx)
	}
	return im.report(), nil
}

// invite sends links to the active users who were created.
func (im *importing) invite(ctx context.Context) {
	for _, row := range im.rows {
		if row.result.Result == portalv1.ImportRow_RESULT_CREATED && (row.active == nil || *row.active) {
			im.people.welcome(ctx, row.result.UserId, "", row.repeated)
		}
	}
}

// importing is an import under way.
type importing struct {
	people  *peopleService
	request *portalv1.ImportUsersRequest
	rows    []*importRow
	resp    *portalv1.ImportUsersResponse
}

// importRow is one row with what becomes of it.
type importRow struct {
	result *portalv1.ImportRow
	id     string   // of the user, if he is created
	doc    userDoc  // as the row says
	has    []string // columns of the file
	active *bool
	alone  bool // it is written in its own transaction
	done   bool // it needs nothing more

	repeated bool // an earlier call of the same name wrote it
}

// needs are the permissions that the import takes.
func (im *importing) needs() []string {
	if im.request.Update {
		return []string{"create_user", "edit_user"}
	}
	return []string{"create_user"}
}

// take reads the rows. Addresses that stand there twice count once.
func (im *importing) take(read []userRow) {
	lines := map[string]int{}
	for i := range read {
		row := &importRow{id: newID(), result: &portalv1.ImportRow{Line: uint32(read[i].line), Email: read[i].cells["email"]}}
		im.rows = append(im.rows, row)
		if err := row.take(&read[i]); err != nil {
			row.fail(err)
			continue
		}
		key := strings.ToLower(row.doc.Email)
		if first := lines[key]; first != 0 {
			row.fail(invalid("email", "it stands in line %d already", first))
			continue
		}
		lines[key] = read[i].line
	}
}

// take reads one row.
func (row *importRow) take(read *userRow) error {
	if read.err != nil {
		return read.err
	}
	var err error
	if row.doc.Email, err = email("email", read.cells["email"]); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		to   *string
		max  int
	}{{"given_name", &row.doc.GivenName, 100}, {"surname", &row.doc.Surname, 100}} {
		if *f.to, err = line(f.name, read.cells[f.name], 0, f.max); err != nil {
			return err
		}
	}
	if err := row.doc.details(read.cells["job_title"], read.cells["manager_email"]); err != nil {
		return err
	}
	for _, name := range userColumns {
		if _, ok := read.cells[name]; ok {
			row.has = append(row.has, name)
		}
	}
	row.active, err = read.activity()
	return err
}

// fail ends a row that cannot be done.
func (row *importRow) fail(err error) {
	row.done = true
	row.result.Result, row.result.Error, row.result.Changes, row.result.UserId = portalv1.ImportRow_RESULT_ERROR, err.Error(), nil, ""
	if r, ok := errors.AsType[*Refusal](err); ok {
		row.result.Column = r.Field
	}
}

// report counts the rows.
func (im *importing) report() *portalv1.ImportUsersResponse {
	for _, row := range im.rows {
		im.resp.Rows = append(im.resp.Rows, row.result)
		switch row.result.Result {
		case portalv1.ImportRow_RESULT_CREATED:
			im.resp.Created++
		case portalv1.ImportRow_RESULT_CHANGED:
			im.resp.Changed++
		case portalv1.ImportRow_RESULT_UNCHANGED:
			im.resp.Unchanged++
		case portalv1.ImportRow_RESULT_ERROR:
			im.resp.Failed++
		}
	}
	return im.resp
}
