package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Caller is who makes a call, as the server found out. The zero Caller is nobody.
type Caller struct {
	User    string // id of a person; "" for others
	Company string // of the person
	Session string // id of the session or machine token; "" without
	Machine bool   // it is a machine token: no session of a browser
	Service string // id of the service for whose portal the person acts by its token; "": he acts himself

	Since   time.Time // when it began
	Expires time.Time // when it ends, whatever happens

	// Operator is the name of an operator who came with a key of the API instead
	// of as a person, Role the role of the key, and Admin whether that is admin.
	Operator string
	Role     string
	Admin    bool
	Proof    string // of a session of a key: what tells whether the key is still there

	Address   string // from where, without port
	Agent     string // the program, as it says itself
	RequestID string
	AtLeast   string // token of a revision that reads must have reached; "": what is committed
	RetryKey  string // names the call, so that it can be repeated safely; "": none
	Request   string // stands for what a call with a name asks for, see Asked
}

type callerKey struct{}

// WithCaller returns a context of a call that the caller makes.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who makes the call of a context; nobody when it has none.
func CallerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{}
}

// further returns the context of what follows the first transaction of a call: its
// name for repetition names the first alone.
func further(ctx context.Context) context.Context {
	c := *CallerOf(ctx)
	c.RetryKey = ""
	return WithCaller(ctx, &c)
}

// WithRequest returns an HTTP request that the caller makes.
func WithRequest(r *http.Request, c *Caller) *http.Request {
	return r.WithContext(WithCaller(r.Context(), c))
}

// id is who the caller is in audit logs: the id of a user, "key:" and the name of an
// operator, or nothing.
func (c *Caller) id() string {
	if c.User == "" && c.Operator != "" {
		return "key:" + c.Operator
	}
	return c.User
}

// actor is the name of the caller in the record of a revision.
func (c *Caller) actor() string {
	switch {
	case c.User != "":
		return "user:" + c.User
	case c.Operator != "":
		return "key:" + c.Operator
	}
	return "portal"
}

// Objects of the schema.
func user(id string) engine.Object          { return engine.Object{Type: "user", ID: id} }
func company(id string) engine.Object       { return engine.Object{Type: "company", ID: id} }
func subscription(id string) engine.Object  { return engine.Object{Type: "subscription", ID: id} }
func group(id string) engine.Object         { return engine.Object{Type: "group", ID: id} }
func jobTitle(id string) engine.Object      { return engine.Object{Type: "job_title", ID: id} }
func serviceObject(id string) engine.Object { return engine.Object{Type: "service", ID: id} }
func diagram(id string) engine.Object       { return engine.Object{Type: "diagram", ID: id} }

// installation is the one object on which operators have their roles.
var installation = engine.Object{Type: "installation", ID: "this"}

// everybody is the wildcard that turns a switch on.
var everybody = engine.Subject{Object: engine.Object{Type: "user", ID: engine.Wildcard}}

// subject makes an object a subject; relation is "" for the object itself.
func subject(o engine.Object, relation string) engine.Subject {
	return engine.Subject{Object: o, Relation: relation}
}
