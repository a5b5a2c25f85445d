package portal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// Whoever makes a call may name it (Caller.RetryKey), and so repeat it when he does
// not know what became of it. What was done is remembered by a document that is
// written in its transaction: a repetition, on whichever member, finds it before
// anything is planned, or fails to write it and finds it then. It is answered as the
// first was, and does nothing. What was refused, or changed nothing, is judged anew.
//
// The retry keys of the log would not do: the same request, planned again, is another
// transaction, and a transaction that was overtaken must be planned again under the
// same name.

// repeatPrefix is how the keys of what was done by named calls begin.
const repeatPrefix = DocumentPrefix + "repeat/"

// repeatTime is for how long it is remembered, at least.
const repeatTime = 10 * time.Minute

type repeatDoc struct {
	Request string          `json:"request,omitempty"` // what was asked for
	Company string          `json:"company,omitempty"` // whose audit log has the record
	Answer  json.RawMessage `json:"answer,omitempty"`  // what else the answer says
	At      time.Time       `json:"at"`
}

// Asked returns the context of a call with what it asks for: its name for repetition
// is good for that alone. Requests may hold passwords, so what is kept of one says
// nothing to whoever does not know the name of the call.
func Asked(ctx context.Context, method string, request proto.Message) (context.Context, error) {
	c := *CallerOf(ctx)
	if c.RetryKey == "" {
		return ctx, nil
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return ctx, fmt.Errorf("what %s asks for: %w", method, err)
	}
	sum := hmac.New(sha256.New, []byte(c.RetryKey))
	_, _ = io.WriteString(sum, method+"\x00") // a hash takes everything
	_, _ = sum.Write(text)
	c.Request = base64.RawStdEncoding.EncodeToString(sum.Sum(nil))
	return WithCaller(ctx, &c), nil
}

// step is the context of one of several transactions of a call, each of which is
// remembered by itself.
func step(ctx context.Context, name string) context.Context {
	c := *CallerOf(ctx)
	if c.RetryKey != "" {
		c.RetryKey += "\x00" + name
	}
	return WithCaller(ctx, &c)
}

// repeatKey is where it stands what a named call of the caller did; "" for a call
// without a name, and for nobody, who is not told apart from others.
func (c *Caller) repeatKey() string {
	if c.RetryKey == "" || c.id() == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(c.actor() + "\x00" + c.RetryKey))
	return repeatPrefix + hex.EncodeToString(sum[:])
}

// repeated is what the named call of the caller did before.
type repeated struct {
	repeatDoc
	version store.Revision // at which it was done; 0: never
}

// same reports whether it was done by a call that asked for the same.
func (r *repeated) same(c *Caller) bool { return r.version != 0 && r.Request == c.Request }

// repeated looks up what the caller's call did before.
func (v *view) repeated() (*repeated, error) {
	r := &repeated{}
	key := v.caller.repeatKey()
	if key == "" {
		return r, nil
	}
	var err error
	r.version, err = v.document(key, &r.repeatDoc)
	return r, err
}

// answered is what was answered the first time; answer (nil: nothing) is filled in.
func (v *view) answered(r *repeated, answer any) (*portalv1.Written, error) {
	if answer != nil && r.Answer != nil {
		reflect.ValueOf(answer).Elem().SetZero() // a plan that was overtaken by the first call has filled it in
		if err := json.Unmarshal(r.Answer, answer); err != nil {
			return nil, fmt.Errorf("what a call answered before: %w", err)
		}
	}
	done := &portalv1.Written{WrittenAt: &v1.ZedToken{Token: v.portal.replica.Token(r.version)}}
	var err error
	done.Audit, err = v.recordOf(r.Company, r.version)
	return done, err
}

// remembers plans that the call is remembered with the answer (nil: none), when it
// has a name. Where the name was used for something else, the call is refused.
func (v *view) remembers(a *action, before *repeated, answer any) error {
	key := v.caller.repeatKey()
	if key == "" {
		return nil
	}
	if before.version != 0 {
		return &replica.RetryMismatchError{Key: v.caller.RetryKey}
	}
	d := repeatDoc{Request: v.caller.Request, Company: a.company, At: v.engine.Now}
	if d.Company == "" {
		d.Company = v.caller.Company
	}
	if answer != nil {
		var err error
		if d.Answer, err = json.Marshal(answer); err != nil {
			return fmt.Errorf("what a call answers: %w", err)
		}
	}
	a.document(at(0, seal(key, d)))
	return nil
}

// repeats returns what the caller's call did before, nil when it did nothing: for
// calls that look at something before they plan.
func (p *Portal) repeats(ctx context.Context) (*portalv1.Written, error) {
	if CallerOf(ctx).repeatKey() == "" {
		return nil, nil
	}
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	r, err := v.repeated()
	if err != nil || !r.same(v.caller) {
		return nil, err
	}
	return v.answered(r, nil)
}

// created is the answer of a call that creates something.
type created struct {
	ID string `json:"id"`
}

// errOnce answers the repetition of a call whose first answer had a secret.
func errOnce(what string) error {
	return conflict("%s was made by the first call of this name, whose answer had its secret: it is shown once, and kept by nobody; make another", what)
}
