package portal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// A random race is two people who do something at the same moment: any of these, with
// whoever it may be about. Most are refused by some rule; what is done must leave
// every rule whole.
var randomSteps = []struct{ method, request string }{
	{"SubscriptionService/IncludeUsers", `{"id": "acme-modeler", "members": [{"user": "%[1]s"}], "role": "%[3]s"}`},
	{"SubscriptionService/IncludeUsers", `{"id": "acme-modeler", "members": [{"group": "$group:g"}], "role": "viewer"}`},
	{"SubscriptionService/SetSubscriptionRole", `{"id": "acme-modeler", "member": {"user": "%[1]s"}, "role": "%[3]s"}`},
	{"SubscriptionService/SetSubscriptionRole", `{"id": "acme-modeler", "member": {"user": "%[1]s"}, "role": "owner"}`},
	{"SubscriptionService/RemoveSubscriptionUser", `{"id": "acme-modeler", "member": {"user": "%[1]s"}, "successor": "%[2]s"}`},
	{"SubscriptionService/RemoveSubscriptionUser", `{"id": "acme-modeler", "member": {"group": "$group:g"}}`},
	{"SubscriptionService/SetSwitches", `{"id": "acme-modeler", "editorShareOpen": true, "publishOpen": false}`},
	{"SubscriptionService/SetSwitches", `{"id": "acme-modeler", "editorShareOpen": false, "publishOpen": true}`},
	{"GroupService/ChangeMembers", `{"id": "$group:g", "add": [{"user": "%[1]s"}]}`},
	{"GroupService/ChangeMembers", `{"id": "$group:g", "remove": [{"user": "%[1]s"}]}`},
	{"PeopleService/DeactivateUser", `{"id": "%[1]s"}`},
	{"PeopleService/ActivateUser", `{"id": "%[1]s"}`},
	{"PeopleService/IncludeAdministrator", `{"userId": "%[1]s"}`},
	{"PeopleService/RemoveAdministrator", `{"userId": "%[1]s"}`},
	{"WorkspaceService/ChangeAccess", `{"id": "$model:m", "changes": [{"member": {"user": "%[1]s"}, "role": "owner", "presentRole": "%[4]s"}]}`},
	{"WorkspaceService/ChangeAccess", `{"id": "$model:m", "changes": [{"member": {"user": "%[1]s"}, "role": "%[5]s", "presentRole": "%[4]s"}]}`},
	{"WorkspaceService/ChangeAccess", `{"id": "$model:m", "changes": [{"member": {"user": "%[1]s"}, "presentRole": "%[4]s"}]}`},
	{"WorkspaceService/ChangeAccess", `{"id": "$model:m", "changes": [{"member": {"group": "$group:g"}, "role": "editor"}]}`},
	{"WorkspaceService/CreateWorkspace", `{"subscriptionId": "acme-modeler", "name": "Other"}`},
	{"DiagramService/CreateDiagram", `{"workspaceId": "$model:m", "name": "Flow"}`},
	{"DiagramService/CheckOut", `{"id": "$diagram:d"}`},
	{"DiagramService/CheckIn", `{"id": "$diagram:d"}`},
	{"DiagramService/ForceCheckIn", `{"id": "$diagram:d"}`},
	{"DiagramService/WorkOffline", `{"id": "$diagram:d"}`},
	{"DiagramService/Publish", `{"id": "$diagram:d"}`},
	{"DiagramService/Unpublish", `{"id": "$diagram:d"}`},
	{"DiagramService/Save", `{"id": "$diagram:d", "content": "x"}`},
	{"DiagramService/SetAudience", `{"id": "$diagram:d", "members": [{"user": "%[1]s"}]}`},
}

// TestRandomRaces runs a thousand of them and holds the invariants to every revision.
func TestRandomRaces(t *testing.T) {
	o := newOffice(t)
	a := newAPI(o.Portal)
	a.ids["model:m"] = o.workspace("uli", "acme-modeler")
	a.ids["diagram:d"] = o.diagram("uli", a.ids["model:m"])
	group := a.do(t, o.as("ada"), "GroupService/CreateGroup", `{"name": "g"}`)
	a.ids["group:g"] = group["group"].(map[string]any)["id"].(string)
	// Ten licences, of which five are used.
	a.do(t, operator(t), "OperatorService/SetLicences", `{"id": "acme-modeler", "licences": 6}`)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	after := o.everyRound()
	doneBy := map[string]int{}
	for range 1_000 {
		first, second := o.randomStep(r, a), o.randomStep(r, a)
		errs := together(r.IntN(2) == 0, first.do, second.do)
		for i, s := range []*randomStep{first, second} {
			if errs[i] == nil {
				doneBy[s.method]++
			} else if _, ok := errors.AsType[*Refusal](errs[i]); !ok {
				t.Fatalf("%s %s: %v", s.method, s.request, errs[i])
			}
		}
	}
	after()
	for _, s := range randomSteps {
		if doneBy[s.method] == 0 {
			t.Errorf("%s was never done", s.method)
		}
	}
	t.Log(doneBy)
}

type randomStep struct {
	method, request string
	do              func() error
}

// randomStep chooses what somebody does. Every other time it is an administrator: they
// may most.
func (o *office) randomStep(r *rand.Rand, a *api) *randomStep {
	people := []string{"ada", "vera", "eli", "cora", "uli", "otto"}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	by, who, successor := o.id[pick(people)], pick(people), pick(people)
	if r.IntN(2) == 0 {
		by = o.anAdministrator()
	}
	s := randomSteps[r.IntN(len(randomSteps))]
	present := o.roleOf(a.ids["model:m"], who)
	request := fmt.Sprintf(s.request+"%.0[1]s%.0[2]s%.0[3]s%.0[4]s%.0[5]s", o.id[who], o.id[successor], pick([]string{roleUser, roleViewer}), present, pick([]string{roleEditor, roleContributor}))
	ctx := as(o.t, "acme", by)
	return &randomStep{s.method, request, func() error {
		_, err := a.call(ctx, s.method, request)
		return err
	}}
}

// anAdministrator returns one who is active now.
func (o *office) anAdministrator() string {
	o.t.Helper()
	v, err := o.read(o.as("ada"))
	done(o.t, err)
	defer v.close()
	active, err := v.activePeople(v.company(), "administrator")
	done(o.t, err)
	return active[0].Id
}
