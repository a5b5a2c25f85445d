package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
)

// forwardedFor is the header that names where a request came from.
const forwardedFor = "x-forwarded-for"

// remoteHost is the address that a request came from, without its port.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// code is a reversible encoding of names into what a grammar accepts. A name
// that the grammar accepts stands for itself, unless it begins with the prefix.
// Any other becomes the prefix, then its bytes: those that are plain as they
// are, the rest as the escape and two hexadecimal digits. Every name has one
// encoded form, and decoding gives the name back.
type code struct {
	prefix string
	escape byte
	plain  func(byte) bool
	accept func(string) bool
}

// idCode encodes ids of objects: "beth@the-smiths.com" is stored as
// "=_beth=40the-smiths=2ecom", and "*", which is no wildcard here, as "=_=2a".
var idCode = code{"=_", '=', func(b byte) bool { return b != '=' && isIDByte(b) },
	func(s string) bool { return engine.CheckObjectID(s) == nil }}

// actionCode encodes names of actions into names of permissions: "GET" is the
// permission "enc__47_45_54".
var actionCode = code{"enc_", '_', func(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' },
	func(s string) bool { return engine.CheckRelationName(s) == nil }}

func isIDByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("/_|-=+", b) >= 0
}

func (c code) encode(name string) string {
	if c.accept(name) && !strings.HasPrefix(name, c.prefix) {
		return name
	}
	var b strings.Builder
	b.WriteString(c.prefix)
	for i := range len(name) {
		if c.plain(name[i]) {
			b.WriteByte(name[i])
			continue
		}
		b.WriteByte(c.escape)
		b.WriteString(hex.EncodeToString([]byte{name[i]}))
	}
	return b.String()
}

// decode gives back what was encoded; what was not stands for itself.
func (c code) decode(stored string) string {
	rest, ok := strings.CutPrefix(stored, c.prefix)
	if !ok {
		return stored
	}
	var name []byte
	for len(rest) > 0 {
		if rest[0] != c.escape {
			name, rest = append(name, rest[0]), rest[1:]
			continue
		}
		if len(rest) < 3 {
			return stored
		}
		b, err := hex.DecodeString(rest[1:3])
		if err != nil {
			return stored
		}
		name, rest = append(name, b...), rest[3:]
	}
	if c.encode(string(name)) != stored {
		return stored
	}
	return string(name)
}

// actionTable maps actions to permissions and back.
type actionTable struct {
	to   map[string]string
	from map[string][]string // sorted
}

func newActionTable(configured map[string]string) actionTable {
	t := actionTable{configured, map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		t.from[configured[name]] = append(t.from[configured[name]], name)
	}
	return t
}

// permission is what an action asks for.
func (t actionTable) permission(name string) string {
	if p, ok := t.to[name]; ok {
		return p
	}
	return actionCode.encode(name)
}

// names are the actions that ask for a permission.
func (t actionTable) names(permission string) []string {
	if names, ok := t.from[permission]; ok {
		return names
	}
	return []string{actionCode.decode(permission)}
}

// unknownNameError says that a request names what no schema can define.
type unknownNameError struct{ what, name string }

func (e *unknownNameError) Error() string {
	return fmt.Sprintf("there is no %s %.200q", e.what, e.name)
}

// toCheck makes the question of an evaluation.
func (z *authZEN) toCheck(subject *entity, act *action, resource *entity, context map[string]any) (*v1.CheckBulkPermissionsRequestItem, error) {
	missing := missingFields(
		field{"subject.type", subject != nil && subject.Type != ""}, field{"subject.id", subject != nil && subject.ID != ""},
		field{"action.name", act != nil && act.Name != ""},
		field{"resource.type", resource != nil && resource.Type != ""}, field{"resource.id", resource != nil && resource.ID != ""})
	if missing != nil {
		return nil, missing
	}
	item := &v1.CheckBulkPermissionsRequestItem{}
	var err error
	if item.Resource, err = toReference(resource); err != nil {
		return nil, err
	}
	object, err := toReference(subject)
	if err != nil {
		return nil, err
	}
	item.Subject = &v1.SubjectReference{Object: object}
	if item.Permission, err = z.toPermission(act); err != nil {
		return nil, err
	}
	item.Context, err = toCaveatContext(subject, act, resource, context)
	return item, err
}

type field struct {
	name  string
	given bool
}

// missingFields names every field that is not given.
func missingFields(fields ...field) error {
	var names []string
	for _, f := range fields {
		if !f.given {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return errors.New("missing: " + strings.Join(names, ", "))
}

func toReference(e *entity) (*v1.ObjectReference, error) {
	if engine.CheckTypeName(e.Type) != nil {
		return nil, &unknownNameError{"type", e.Type}
	}
	id := idCode.encode(e.ID)
	if err := engine.CheckObjectID(id); err != nil {
		return nil, fmt.Errorf("id of type %s: %w", e.Type, err)
	}
	return &v1.ObjectReference{ObjectType: e.Type, ObjectId: id}, nil
}

func (z *authZEN) toPermission(a *action) (string, error) {
	name := z.actions.permission(a.Name)
	if engine.CheckRelationName(name) != nil {
		return "", &unknownNameError{"action", a.Name}
	}
	return name, nil
}

// toCaveatContext makes caveat parameters of properties, subject_x of the
// property x of the subject, and of the context, which wins.
func toCaveatContext(subject *entity, act *action, resource *entity, context map[string]any) (*structpb.Struct, error) {
	all := map[string]any{}
	add := func(prefix string, properties map[string]any) {
		for name, value := range properties {
			all[prefix+name] = value
		}
	}
	if subject != nil {
		add("subject_", subject.Properties)
	}
	if act != nil {
		add("action_", act.Properties)
	}
	if resource != nil {
		add("resource_", resource.Properties)
	}
	maps.Copy(all, context)
	if len(all) == 0 {
		return nil, nil
	}
	return structpb.NewStruct(all)
}

// reasonOf returns the reason in the details of a status, 0 for none.
func reasonOf(st *status.Status) v1.ErrorReason {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return v1.ErrorReason(v1.ErrorReason_value[info.Reason])
		}
	}
	return 0
}
