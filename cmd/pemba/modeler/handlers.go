package modeler

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// signedIn lets in whoever is signed in, and sends everybody else to sign in.
func (m *Modeler) signedIn(next func(w http.ResponseWriter, r *http.Request, s *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := m.signIns.find(r)
		if s == nil {
			m.signIns.begin(w, r)
			return
		}
		next(w, r, s)
	}
}

// fail says why something cannot be shown.
func (m *Modeler) fail(w http.ResponseWriter, r *http.Request, s *session, err error) {
	if _, over := errors.AsType[*oauth2.RetrieveError](err); over || status.Code(err) == codes.Unauthenticated {
		m.signIns.begin(w, r) // the session ended, or the right to enter
		return
	}
	code := http.StatusServiceUnavailable
	switch status.Code(err) {
	case codes.NotFound:
		code = http.StatusNotFound
	case codes.PermissionDenied:
		code = http.StatusForbidden
	}
	m.show(w, "failure.html", code, page{Title: "Not possible", Person: s.name, Note: status.Convert(err).Message(), Failed: true})
}

// models lists what one may read.
func (m *Modeler) models(w http.ResponseWriter, r *http.Request, s *session) {
	ctx, err := s.as(r.Context())
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	ids, err := m.pemba.readable(r.Context(), s.user)
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	var all []*portalv1.Workspace
	for _, id := range ids {
		got, err := m.pemba.workspaces.GetWorkspace(ctx, &portalv1.GetWorkspaceRequest{Id: id})
		if err != nil {
			m.fail(w, r, s, err)
			return
		}
		all = append(all, got.GetWorkspace())
	}
	m.show(w, "models.html", http.StatusOK, page{Title: "Models", Person: s.name, Data: all})
}

// model shows a model with the diagrams that one may see.
func (m *Modeler) model(w http.ResponseWriter, r *http.Request, s *session) {
	ctx, err := s.as(r.Context())
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	id := r.PathValue("model")
	got, err := m.pemba.workspaces.GetWorkspace(ctx, &portalv1.GetWorkspaceRequest{Id: id})
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	diagrams, err := m.pemba.diagrams.ListDiagrams(ctx, &portalv1.ListDiagramsRequest{WorkspaceId: id})
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	m.show(w, "model.html", http.StatusOK, page{Title: got.GetWorkspace().GetName(), Person: s.name, Data: diagrams.GetDiagrams()})
}

// opened is a diagram with what one may do with it.
type opened struct {
	Diagram  *portalv1.Diagram
	Content  string
	Comments []*portalv1.Comment
	May      map[string]bool
	Mine     bool // one holds the lock
}

// diagram shows one diagram.
func (m *Modeler) diagram(w http.ResponseWriter, r *http.Request, s *session) {
	m.open(w, r, s, r.URL.Query().Get("done"), false)
}

func (m *Modeler) open(w http.ResponseWriter, r *http.Request, s *session, note string, failed bool) {
	ctx, err := s.as(r.Context())
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	id := r.PathValue("diagram")
	got, err := m.pemba.diagrams.GetDiagram(ctx, &portalv1.GetDiagramRequest{Id: id})
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	o := opened{Diagram: got.GetDiagram(), Content: got.GetContent(), Mine: got.GetDiagram().GetCheckedOutBy().GetId() == s.user}
	if o.May, err = m.pemba.may(r.Context(), s.user, id, "check_out", "save", "comment", "publish", "unpublish"); err != nil {
		m.fail(w, r, s, err)
		return
	}
	if o.May["comment"] {
		comments, err := m.pemba.diagrams.ListComments(ctx, &portalv1.ListCommentsRequest{Id: id})
		if err != nil {
			m.fail(w, r, s, err)
			return
		}
		o.Comments = comments.GetComments()
	}
	code := http.StatusOK
	if failed {
		code = http.StatusConflict
	}
	m.show(w, "diagram.html", code, page{Title: o.Diagram.GetName(), Person: s.name, Note: note, Failed: failed, Data: o})
}

// actions are what the buttons do, each as the person himself.
var actions = map[string]struct {
	done string
	do   func(ctx context.Context, p *pemba, id string, form url.Values) error
}{
	"check-out": {"Checked out", func(ctx context.Context, p *pemba, id string, _ url.Values) error {
		_, err := p.diagrams.CheckOut(ctx, &portalv1.CheckOutRequest{Id: id})
		return err
	}},
	"save": {"Saved", func(ctx context.Context, p *pemba, id string, form url.Values) error {
		_, err := p.diagrams.Save(ctx, &portalv1.SaveRequest{Id: id, Content: form.Get("content")})
		return err
	}},
	"check-in": {"Checked in", func(ctx context.Context, p *pemba, id string, _ url.Values) error {
		_, err := p.diagrams.CheckIn(ctx, &portalv1.CheckInRequest{Id: id})
		return err
	}},
	"publish": {"Published", func(ctx context.Context, p *pemba, id string, _ url.Values) error {
		_, err := p.diagrams.Publish(ctx, &portalv1.PublishRequest{Id: id})
		return err
	}},
	"unpublish": {"Unpublished", func(ctx context.Context, p *pemba, id string, _ url.Values) error {
		_, err := p.diagrams.Unpublish(ctx, &portalv1.UnpublishRequest{Id: id})
		return err
	}},
	"comment": {"Commented", func(ctx context.Context, p *pemba, id string, form url.Values) error {
		_, err := p.diagrams.AddComment(ctx, &portalv1.AddCommentRequest{Id: id, Text: form.Get("text")})
		return err
	}},
}

// maxForm bounds what a browser sends, in bytes.
const maxForm = 128 << 10

// act does what a button says. A refusal is shown where the button was.
func (m *Modeler) act(w http.ResponseWriter, r *http.Request, s *session) {
	action, ok := actions[r.PathValue("action")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, err := s.as(r.Context())
	if err == nil {
		err = action.do(ctx, m.pemba, r.PathValue("diagram"), r.PostForm)
	}
	switch code := status.Code(err); {
	case err == nil:
		http.Redirect(w, r, "/diagrams/"+url.PathEscape(r.PathValue("diagram"))+"?done="+url.QueryEscape(action.done), http.StatusSeeOther)
	case code == codes.PermissionDenied, code == codes.FailedPrecondition, code == codes.InvalidArgument, code == codes.Aborted:
		m.open(w, r, s, status.Convert(err).Message(), true)
	default:
		m.fail(w, r, s, err)
	}
}
