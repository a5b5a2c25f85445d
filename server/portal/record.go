package portal

import (
	"context"
	"encoding/json"
	"fmt"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Results of what is recorded.
const (
	resultAllowed = "allowed"
	resultRefused = "refused"
)

// entryDoc is one entry of an audit log. Its number, revision, time and the hash
// of the entry before are filled in while the log is applied.
type entryDoc struct {
	Action     string           `json:"action"`
	Actor      string           `json:"actor,omitempty"` // id of a user, or "key:NAME"; empty: nobody
	ActorName  string           `json:"actor_name,omitempty"`
	ActorEmail string           `json:"actor_email,omitempty"`
	Target     string           `json:"target,omitempty"`
	TargetName string           `json:"target_name,omitempty"`
	Service    string           `json:"service,omitempty"`
	Result     string           `json:"result"`
	Sentence   string           `json:"sentence,omitempty"`
	Permission string           `json:"permission,omitempty"`
	Reason     string           `json:"reason,omitempty"`
	Address    string           `json:"address,omitempty"`
	Agent      string           `json:"agent,omitempty"`
	RequestID  string           `json:"request_id,omitempty"`
	Before     json.RawMessage  `json:"before,omitempty"`
	After      json.RawMessage  `json:"after,omitempty"`
	Why        []*portalv1.Step `json:"why,omitempty"`
	Repeated   int              `json:"repeated,omitempty"` // how many like it were only counted
}

// maxOrigin bounds what a client says about itself and its request, in bytes.
const maxOrigin = 300

// entry begins the record of something that the caller does.
func (v *view) entry(action, target, called string) *entryDoc {
	c := v.caller
	e := &entryDoc{
		Action: action, Target: target, TargetName: called,
		Actor: c.User, Address: cutText(c.Address, maxOrigin), Agent: cutText(c.Agent, maxOrigin), RequestID: cutText(c.RequestID, maxOrigin),
	}
	if c.User != "" {
		var d userDoc
		if _, err := v.document(userKey(c.Company, c.User), &d); err == nil {
			e.ActorName, e.ActorEmail = d.name(), d.Email
		}
	} else if c.Operator != "" {
		e.Actor, e.ActorName = "key:"+c.Operator, "the operator "+c.Operator
	}
	return e
}

// chained is the entry as a transaction appends it to the log of a company.
func (e *entryDoc) chained(company string) (store.ChainRecord, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return store.ChainRecord{}, fmt.Errorf("an entry of the audit log: %w", err)
	}
	return store.ChainRecord{Chain: auditChain(company), Value: text}, nil
}

// refused notes that an action was refused to the caller. What is not a refusal,
// and what nobody tried, is not noted.
func (p *Portal) refused(ctx context.Context, a *action, err error) {
	p.notes.refused(ctx, a, err)
}
