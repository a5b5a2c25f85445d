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
	code, note := m.explain(r, err)
	m.show(w, "failure.html", code, page{Title: "Not possible", Person: s.name, Note: note, Failed: true})
}

// answers are the codes of HTTP for what Pemba refuses, whose texts are for people.
var answers = map[codes.Code]int{
	codes.NotFound: http.StatusNotFound, codes.PermissionDenied: http.StatusForbidden, codes.InvalidArgument: http.StatusBadRequest,
	codes.FailedPrecondition: http.StatusConflict, codes.Aborted: http.StatusConflict, codes.ResourceExhausted: http.StatusTooManyRequests,
}

// explain says what an error is for a person. What is no refusal is logged.
func (m *Modeler) explain(r *http.Request, err error) (code int, note string) {
	if code, ok := answers[status.Code(err)]; ok {
		return code, status.Convert(err).Message()
	}
	m.log.Warn("a request failed", "path", r.URL.Path, "error", err)
	return http.StatusServiceUnavailable, "Pemba does not answer at the moment. Try again."
}

// gone reports whether somebody may not see a thing any more that he saw a moment ago.
func gone(err error) bool {
	return status.Code(err) == codes.NotFound || status.Code(err) == codes.PermissionDenied
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
		if gone(err) {
			continue // since the question before
		}
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
	diagrams, err := m.pemba.diagramsOf(ctx, id)
	if err != nil {
		m.fail(w, r, s, err)
		return
	}
	m.show(w, "model.html", http.StatusOK, page{Title: got.GetWorkspace().GetName(), Person: s.name, Data: diagrams})
}

// opened is a diagram with what one may do with it.
type opened struct {
	Diagram  *portalv1.Diagram
	Content  string
	Comments []*portalv1.Comment
	May      map[string]bool
	Mine     bool   // one holds the lock
	Refused  string // the action that was refused; empty: none was
	Typed    string // what was sent with it, which must not be lost
}

// diagram shows one diagram.
func (m *Modeler) diagram(w http.ResponseWriter, r *http.Request, s *session) {
	m.open(w, r, s, http.StatusOK, page{Note: actions[r.URL.Query().Get("done")].done}, opened{})
}

// open shows a diagram under a note.
func (m *Modeler) open(w http.ResponseWriter, r *http.Request, s *session, code int, p page, o opened) {
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
	o.Diagram, o.Content, o.Mine = got.GetDiagram(), got.GetContent(), got.GetDiagram().GetCheckedOutBy().GetId() == s.user
	if o.May, err = m.pemba.may(r.Context(), s.user, id, "check_out", "save", "comment", "publish", "unpublish"); err != nil {
		m.fail(w, r, s, err)
		return
	}
	if o.May["comment"] {
		if o.Comments, err = m.pemba.commentsOf(ctx, id); err != nil {
			m.fail(w, r, s, err)
			return
		}
	}
	p.Title, p.Person, p.Data = o.Diagram.GetName(), s.name, o
	m.show(w, "diagram.html", code, p)
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

// act does what a button says. A refusal is shown where the button was, with what was
// typed.
func (m *Modeler) act(w http.ResponseWriter, r *http.Request, s *session) {
	name := r.PathValue("action")
	action, ok := actions[name]
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
		http.Redirect(w, r, "/diagrams/"+url.PathEscape(r.PathValue("diagram"))+"?done="+name, http.StatusSeeOther)
	case code == codes.PermissionDenied, code == codes.FailedPrecondition, code == codes.InvalidArgument, code == codes.Aborted:
		code, note := m.explain(r, err)
		m.open(w, r, s, code, page{Note: note, Failed: true}, opened{Refused: name, Typed: r.PostForm.Get("content") + r.PostForm.Get("text")})
	default:
		m.fail(w, r, s, err)
	}
}
