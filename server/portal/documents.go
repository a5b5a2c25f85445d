package portal

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// DocumentPrefix is how the keys of all documents of the portal begin. Nobody
// else writes under it.
const DocumentPrefix = "portal/"

// Keys of documents. Those of one company stand under its own prefix, so that a
// list, an export or a search of one company cannot come across another's.
const companyPrefixes = DocumentPrefix + "c/"

func companyPrefix(company string) string       { return companyPrefixes + company + "/" }
func companyKey(company string) string          { return companyPrefix(company) + "company" }
func userKey(company, id string) string         { return companyPrefix(company) + "user/" + id }
func seenKey(company, id string) string         { return companyPrefix(company) + "seen/" + id }
func subscriptionKey(company, id string) string { return companyPrefix(company) + "subscription/" + id }
func seatsKey(company, id string) string        { return companyPrefix(company) + "seats/" + id }
func workspaceKey(company, id string) string    { return companyPrefix(company) + "workspace/" + id }
func diagramKey(company, id string) string      { return companyPrefix(company) + "diagram/" + id }
func groupKey(company, id string) string        { return companyPrefix(company) + "group/" + id }
func groupGraphKey(company string) string       { return companyPrefix(company) + "group-graph" }
func titleKey(company, id string) string        { return companyPrefix(company) + "title/" + id }
func policiesKey(company string) string         { return companyPrefix(company) + "policies" }
func auditChain(company string) string          { return DocumentPrefix + "audit/" + company }

// emailKey is where the holder of an e-mail address stands: it is the only way to
// take one, and addresses are unique in the whole installation, whatever the case.
func emailKey(email string) string { return DocumentPrefix + "email/" + strings.ToLower(email) }

// groupNameKey is where a name is taken that only one group or job title of a
// company may have.
func groupNameKey(company, name string) string {
	return companyPrefix(company) + "group-name/" + strings.ToLower(name)
}

type companyDoc struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

type userDoc struct {
	Email        string    `json:"email"`
	GivenName    string    `json:"given_name"`
	Surname      string    `json:"surname"`
	JobTitle     string    `json:"job_title,omitempty"`
	ManagerEmail string    `json:"manager_email,omitempty"`
	Created      time.Time `json:"created"`
}

// name is what people are called in sentences.
func (u *userDoc) name() string {
	if name := strings.TrimSpace(u.GivenName + " " + u.Surname); name != "" {
		return name
	}
	return u.Email
}

// emailDoc says whose an e-mail address is.
type emailDoc struct {
	Company string `json:"company"`
	User    string `json:"user"`
}

// seenDoc says when a user was there last; it is missing for one who never was.
type seenDoc struct {
	At time.Time `json:"at"`
}

type subscriptionDoc struct {
	Service  string    `json:"service"` // id of the service
	Licences uint32    `json:"licences"`
	Created  time.Time `json:"created"`
}

// seatsDoc counts who is included in a subscription. Every change of that writes
// it, under the version that it was read at, so that two of them cannot both take
// the last licence. licences.go keeps it.
type seatsDoc struct {
	Used   uint32 `json:"used"`   // users who are included, themselves or through groups
	Direct uint32 `json:"direct"` // of them, those who are included themselves
}

type workspaceDoc struct {
	Subscription string    `json:"subscription"`
	Kind         string    `json:"kind"` // "model" or "project": the type in the schema
	Name         string    `json:"name"`
	Description  string    `json:"description,omitempty"`
	Created      time.Time `json:"created"`
	Changed      time.Time `json:"changed"`
	Creator      string    `json:"creator"`
}

// diagramDoc is what is known of a diagram beside its content, which is a
// document of its own.
type diagramDoc struct {
	Workspace  string    `json:"workspace"`
	Name       string    `json:"name"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
	ChangedBy  string    `json:"changed_by"`
	CheckedOut time.Time `json:"checked_out,omitzero"`
	Offline    bool      `json:"offline,omitempty"`
}

type groupDoc struct {
	Name         string    `json:"name"`
	Description  string    `json:"description,omitempty"`
	Subscription string    `json:"subscription,omitempty"`
	Created      time.Time `json:"created"`
}

// titleDoc is a job title. It exists while somebody has it, or a group contains
// its holders.
type titleDoc struct {
	Name    string `json:"name"`
	Holders uint32 `json:"holders"` // how many have it
}

// groupNameDoc says what has a name: one of the two.
type groupNameDoc struct {
	Group string `json:"group,omitempty"`
	Title string `json:"title,omitempty"`
}

// groupGraphDoc is written by every change of who is in which group: a change
// that walked the groups commits only if nobody else changed them meanwhile.
type groupGraphDoc struct {
	Changes uint64 `json:"changes"`
}

// put writes an open document.
func put(key string, value any) store.DocumentUpdate { return write(key, store.ClassOpen, value) }

// seal writes a sealed document.
func seal(key string, value any) store.DocumentUpdate { return write(key, store.ClassSealed, value) }

func write(key string, class store.Class, value any) store.DocumentUpdate {
	text, err := json.Marshal(value)
	if err != nil {
		panic("portal: a document that is no JSON: " + err.Error()) // all are structs of this package
	}
	return store.DocumentUpdate{Key: key, Class: class, Value: text}
}

// at makes an update of a document conditional on the version that was read.
func at(version store.Revision, u store.DocumentUpdate) store.DocumentUpdate {
	u.IfVersion = &version
	return u
}

// drop deletes a document.
func drop(key string) store.DocumentUpdate { return store.DocumentUpdate{Key: key} }
