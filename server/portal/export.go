package portal

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// exportPart is how much of a file one message has, in bytes.
const exportPart = 32 << 10

// parts collects lines and sends them in messages of about exportPart.
type parts struct {
	buf  strings.Builder
	send func(string) error
}

func (p *parts) line(line string) error {
	p.buf.WriteString(line)
	if p.buf.Len() < exportPart {
		return nil
	}
	return p.flush()
}

func (p *parts) flush() error {
	text := p.buf.String()
	p.buf.Reset()
	if text == "" {
		return nil
	}
	return p.send(text)
}

// ExportUsers streams users as CSV in the form that ImportUsers reads. It begins
// with a byte order mark: without it spreadsheets take UTF-8 for something else.
func (s *peopleService) ExportUsers(r *portalv1.ExportUsersRequest, stream grpc.ServerStreamingServer[portalv1.ExportUsersResponse]) error {
	rows, err := s.exported(r, stream)
	if err != nil {
		return err
	}
	p := &parts{send: func(text string) error { return stream.Send(&portalv1.ExportUsersResponse{Csv: text}) }}
	if err := p.line(byteOrderMark + csvLine(slices.Clone(userColumns)...)); err != nil {
		return err
	}
	for _, row := range rows {
		d := &row.doc
		if err := p.line(csvLine(d.Email, d.GivenName, d.Surname, d.JobTitle, d.ManagerEmail, strconv.FormatBool(!row.deactivated))); err != nil {
			return err
		}
	}
	return p.flush()
}

// exported returns the users that are exported, by name. The directory is let go
// before they are sent: a slow client must not hold up others.
func (s *peopleService) exported(r *portalv1.ExportUsersRequest, stream grpc.ServerStream) ([]*personRow, error) {
	ctx := stream.Context()
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.reads(ctx, "user.export", asked{l.company(), "list_users"}); err != nil {
		return nil, err
	}
	f, err := l.filter(r.Search, r.State, r.Service, r.Role)
	if err != nil {
		return nil, err
	}
	var rows []*personRow
	for _, row := range l.directory.people[l.caller.Company] {
		if f.selects(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *personRow) int { return cmp.Or(cmp.Compare(a.byName, b.byName), cmp.Compare(a.id, b.id)) })
	return rows, nil
}
