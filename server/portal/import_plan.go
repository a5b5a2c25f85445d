package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// write writes the rows, most of them in batches.
func (im *importing) write(ctx context.Context) error {
	for at := 0; at < len(im.rows); at += importBatch {
		batch := im.rows[at:min(at+importBatch, len(im.rows))]
		err := im.commit(ctx, batch)
		refusal, refused := errors.AsType[*Refusal](err)
		switch {
		case refused && refusal.Fault == NotAllowed: // and so are all others
			for _, row := range im.rows[at:] {
				if !row.done {
					row.fail(refusal)
				}
			}
			return nil
		case refused: // one row or another is too much: each by itself will show which
			for _, row := range batch {
				row.alone = true
			}
		case err != nil:
			return err
		}
		if err := im.writeAlone(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// writeAlone writes those rows of a batch that are not done, each by itself.
func (im *importing) writeAlone(ctx context.Context, batch []*importRow) error {
	for _, row := range batch {
		if row.done {
			continue
		}
		err := im.commit(ctx, []*importRow{row})
		if _, refused := errors.AsType[*Refusal](err); refused {
			row.fail(err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// commit writes rows in one transaction. Those that can only be written alone it
// marks, unless there is only one.
func (im *importing) commit(ctx context.Context, rows []*importRow) error {
	single := len(rows) == 1
	var answer []importAnswer
	name := fmt.Sprintf("%d rows from line %d", len(rows), rows[0].result.Line)
	written, err := im.people.answer(step(ctx, name), &answer, func(v *view, a *action) error {
		if err := im.plan(ctx, v, a, rows, single); err != nil {
			return err
		}
		answer = answersOf(rows, single)
		return nil
	})
	if err != nil {
		return err
	}
	im.resp.WrittenAt = written.WrittenAt
	if written.again {
		im.again(rows, answer)
		return nil
	}
	for _, row := range rows {
		row.done = row.done || single || !row.alone
	}
	return nil
}

// plan plans the rows that are not done. Of several, a row that is refused, or that
// must see what the others did, is left alone.
func (im *importing) plan(ctx context.Context, v *view, a *action, rows []*importRow, single bool) error {
	a.name, a.on, a.permission, a.sentence = "user.import", v.company(), "create_user", "imported users"
	if im.request.Update {
		a.also = append(a.also, asked{v.company(), "edit_user"})
	}
	t := v.titles(a)
	for _, row := range rows {
		if row.done {
			continue
		}
		if row.alone = !single && row.turns(v); row.alone {
			continue
		}
		part, err := im.planRow(ctx, v, t, row)
		if _, refused := errors.AsType[*Refusal](err); refused && !single {
			row.alone = true
			continue
		}
		if err != nil {
			a.name, a.target, a.called, a.sentence = part.name, part.target, part.called, part.sentence
			return err
		}
		if !part.unchanged {
			a.parts = append(a.parts, part)
			a.take(part)
		}
	}
	if a.unchanged = len(a.parts) == 0; a.unchanged {
		return nil
	}
	return v.settle(ctx, a, t)
}

// judge judges the rows on one state, as if they were written one after another.
func (im *importing) judge(ctx context.Context, v *view) error {
	v.turned = map[string]bool{}
	err := im.judgeRows(ctx, v, im.rows)
	tooMany, refused := errors.AsType[*Refusal](err)
	if !refused {
		return err
	}
	// The licences do not suffice for all. What comes from the first row with which
	// they do not, and would take one, is refused.
	first := sort.Search(len(im.rows), func(n int) bool { return im.judgeRows(ctx, v, im.rows[:n+1]) != nil })
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, row := range im.rows[min(first, len(im.rows)):] {
		takes, err := im.takesLicence(ctx, v, row)
		if err != nil {
			return err
		}
		if takes {
			row.fail(tooMany)
		}
	}
	return nil
}

// judgeRows judges rows together; a refusal is about the licences.
func (im *importing) judgeRows(ctx context.Context, v *view, rows []*importRow) error {
	clear(v.turned)
	a := &action{}
	t := v.titles(a)
	for _, row := range rows {
		if row.done {
			continue
		}
		part, err := im.planRow(ctx, v, t, row)
		if _, refused := errors.AsType[*Refusal](err); refused {
			row.fail(err)
			continue
		}
		if err != nil {
			return err
		}
		a.take(part)
	}
	return v.settle(ctx, a, t)
}

// takesLicence reports whether a row alone changes who is included somewhere.
func (im *importing) takesLicence(ctx context.Context, v *view, row *importRow) (bool, error) {
	if row.done {
		return false, nil
	}
	clear(v.turned)
	a := &action{}
	part, err := im.planRow(ctx, v, v.titles(a), row)
	if err != nil {
		return false, err
	}
	a.take(part)
	w := &seating{view: v, action: a, pending: map[engine.Relationship]store.Op{}}
	for _, u := range a.tx.Updates {
		w.pending[u.Relationship.Key()] = u.Op
	}
	subs, err := w.affected()
	return len(subs) > 0, err
}

// turns reports whether a row makes a user active or inactive who exists: whether
// that may be depends on what the rows before do.
func (row *importRow) turns(v *view) bool {
	if row.active == nil {
		return false
	}
	var who emailDoc
	version, err := v.document(emailKey(row.doc.Email), &who)
	if err != nil || version == 0 {
		return false
	}
	active, err := v.active(who.User)
	return err == nil && active != *row.active
}

// planRow plans one row.
func (im *importing) planRow(ctx context.Context, v *view, t *titles, row *importRow) (*action, error) {
	part := &action{on: v.company(), permission: "create_user", called: row.doc.name()}
	row.result.Changes, row.result.UserId = nil, ""
	var who emailDoc
	version, err := v.document(emailKey(row.doc.Email), &who)
	switch {
	case err != nil:
		return part, err
	case version == 0:
		return part, row.create(v, t, part)
	case who.Company != v.caller.Company:
		return part, takenEmail(row.doc.Email)
	case !im.request.Update:
		return part, &Refusal{Fault: Taken, Field: "email", Rule: "5", Msg: fmt.Sprintf("email: %s is a user already; import with update to change users", row.doc.Email)}
	}
	return part, row.change(ctx, v, t, part, who.User)
}

// create plans the new user of a row.
func (row *importRow) create(v *view, t *titles, part *action) error {
	d := row.doc
	if d.GivenName == "" {
		return invalid("given_name", "it is missing")
	}
	inactive := row.active != nil && !*row.active
	part.name, part.target, part.sentence = "user.create", user(row.id), fmt.Sprintf("created the user %s (%s) by an import", d.name(), d.Email)
	if err := v.registers(part, t, row.id, &d, inactive); err != nil {
		return err
	}
	after := d.fields()
	if inactive {
		after["active"] = false
	}
	part.after = after
	row.result.Result, row.result.UserId = portalv1.ImportRow_RESULT_CREATED, row.id
	for _, name := range row.has {
		if after[name] != nil {
			row.result.Changes = append(row.result.Changes, name)
		}
	}
	return nil
}

// change plans what a row changes of a user.
func (row *importRow) change(ctx context.Context, v *view, t *titles, part *action, id string) error {
	part.name, part.permission, part.target, part.called = "user.edit", "edit_user", user(id), v.person(id)
	row.result.UserId = id
	if row.doc.GivenName == "" && slices.Contains(row.has, "given_name") {
		return invalid("given_name", "it is missing")
	}
	turn := &action{}
	if row.turns(v) {
		plan := v.activates
		if !*row.active {
			plan = func(ctx context.Context, a *action, id string) error { return v.deactivates(ctx, a, id, "") }
		}
		if err := plan(ctx, turn, id); err != nil {
			part.name, part.permission, part.sentence = turn.name, turn.permission, turn.sentence
			return err
		}
		turn.also = append(turn.also, asked{turn.on, turn.permission})
	}
	changes, err := v.edits(part, t, id, row.columns(), 0)
	if err != nil {
		return err
	}
	part.take(turn)
	if turn.name != "" {
		if len(changes) == 0 {
			part.name, part.permission = turn.name, turn.permission
		}
		changes = append(changes, "active")
		part.before, part.after = withActive(part.before, !*row.active), withActive(part.after, *row.active)
		v.turns(id, *row.active)
	}
	row.result.Changes, row.result.Result = changes, portalv1.ImportRow_RESULT_CHANGED
	if part.unchanged = len(changes) == 0; part.unchanged {
		row.result.Result = portalv1.ImportRow_RESULT_UNCHANGED
	}
	part.sentence = fmt.Sprintf("changed %s of %s by an import", enumerate(words(changes), "and"), part.called)
	return nil
}

// withActive adds whether a user is active to the fields of a record.
func withActive(fields any, active bool) map[string]any {
	out, ok := fields.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	out["active"] = active
	return out
}

// columns are the fields that the row has for a user who exists.
func (row *importRow) columns() *userChange {
	c := &userChange{}
	for _, name := range row.has {
		switch name {
		case "given_name":
			c.given = &row.doc.GivenName
		case "surname":
			c.surname = &row.doc.Surname
		case "job_title":
			c.title = &row.doc.JobTitle
		case "manager_email":
			c.manager = &row.doc.ManagerEmail
		}
	}
	return c
}
