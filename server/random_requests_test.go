package server_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// requestMaker makes random requests that resemble real ones: every message by
// its descriptor, every text from words that belong into its field, and now and
// then one that does not. The same seed makes the same requests, apart from the
// tokens that the server gave.
type requestMaker struct {
	*rand.Rand
	tokens, cursors []string // that were seen in responses, the last few
}

func newRequestMaker(seed, worker uint64) *requestMaker {
	return &requestMaker{Rand: rand.New(rand.NewPCG(seed, worker))}
}

func (r *requestMaker) chance(percent int) bool { return r.IntN(100) < percent }

func oneOf[T any](r *requestMaker, from ...T) T { return from[r.IntN(len(from))] }

// maxTokens is how many tokens of responses are kept.
const maxTokens = 32

// learn keeps the tokens and cursors of a response.
func (r *requestMaker) learn(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			return true
		}
		to := &r.tokens
		switch f.Message().Name() {
		case "Cursor":
			to = &r.cursors
		case "ZedToken":
		default:
			return true
		}
		text := v.Message().Get(f.Message().Fields().ByName("token")).String()
		if len(*to) < maxTokens {
			*to = append(*to, text)
		} else {
			(*to)[r.IntN(maxTokens)] = text
		}
		return true
	})
}

// fill fills a message in.
func (r *requestMaker) fill(m protoreflect.Message, depth int) {
	switch to := m.Interface().(type) {
	case *structpb.Struct:
		proto.Merge(to, r.context())
		return
	case *structpb.Value:
		proto.Merge(to, r.value(depth))
		return
	case *timestamppb.Timestamp:
		proto.Merge(to, r.timestamp())
		return
	}
	fields, oneofs := m.Descriptor().Fields(), m.Descriptor().Oneofs()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.ContainingOneof() == nil && r.wanted(f) {
			r.set(m, f, depth)
		}
	}
	for i := range oneofs.Len() {
		of := oneofs.Get(i).Fields()
		if f := of.Get(r.IntN(of.Len())); r.chance(95) && (!oneofs.Get(i).IsSynthetic() || r.chance(30)) {
			r.set(m, f, depth)
		}
	}
}

// wanted decides whether a field is filled in.
func (r *requestMaker) wanted(f protoreflect.FieldDescriptor) bool {
	name := string(f.Name())
	switch {
	case strings.HasPrefix(name, "optional_"), name == "context", name == "with_tracing", name == "with_debug", name == "guards", name == "preconditions":
		return r.chance(25)
	case name == "consistency":
		return r.chance(60)
	}
	return r.chance(98)
}

func (r *requestMaker) set(m protoreflect.Message, f protoreflect.FieldDescriptor, depth int) {
	switch {
	case depth > 8 || f.IsMap():
	case f.IsList():
		list := m.Mutable(f).List()
		for range oneOf(r, 0, 1, 1, 1, 2, 3) {
			if f.Message() != nil {
				r.fill(list.AppendMutable().Message(), depth+1)
			} else {
				list.Append(r.scalar(f))
			}
		}
	case f.Message() != nil:
		r.fill(m.Mutable(f).Message(), depth+1)
	default:
		m.Set(f, r.scalar(f))
	}
}

func (r *requestMaker) scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.text(f))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(r.text(f)))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(f.ContainingOneof() != nil && r.chance(95) || r.chance(50))
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		n := values.Get(r.IntN(values.Len())).Number()
		if n == 0 { // mostly UNSPECIFIED, which is refused
			n = values.Get(r.IntN(values.Len())).Number()
		}
		if r.chance(1) {
			n = 99
		}
		return protoreflect.ValueOfEnum(n)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(oneOf[uint32](r, 0, 1, 2, 3, 10, 100, 1000, 1001, math.MaxUint32))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(oneOf[uint64](r, 0, 0, 1, 2, 10, math.MaxUint64))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(oneOf(r, 0, 1, -1, 0.5, math.MaxFloat64, math.Inf(1), math.NaN()))
	}
	return f.Default()
}

// text returns a word for a field; one of a hundred is a word for another, or none.
func (r *requestMaker) text(f protoreflect.FieldDescriptor) string {
	if r.chance(1) {
		return oneOf(r, "", "*", "...", "ä", "\x00", " ", "Upper", "a", "user:anne", "a/b/", strings.Repeat("x", 200), strings.Repeat("y", 2000), "(╯°□°)")
	}
	name := strings.TrimPrefix(string(f.Name()), "optional_")
	switch {
	case strings.HasSuffix(name, "type"), strings.HasSuffix(name, "types"), name == "definition_name", name == "definition_name_filter":
		return oneOf(r, "user", "user", "doc", "doc", "doc", "team", "folder", "nothing")
	case strings.HasSuffix(name, "id"), strings.HasSuffix(name, "ids"), name == "resource_id_prefix":
		if name != "resource_id" && r.chance(3) {
			return "*"
		}
		return oneOf(r, "a", "b", "c", "d/e", "f|g")
	case strings.Contains(name, "relation") && name != "relationships", strings.Contains(name, "permission"):
		return oneOf(r, "member", "viewer", "viewer", "teams", "parent", "banned", "view", "view", "edit", "flies")
	case name == "caveat_name", strings.HasPrefix(name, "caveat"):
		return oneOf(r, "limited", "limited", "named", "unknown")
	case name == "schema", name == "comparison_schema", strings.HasPrefix(name, "schema"):
		return r.schema()
	case name == "token":
		return r.token(f.Parent().Name() == "Cursor")
	case name == "key", name == "prefix":
		return oneOf(r, "settings/theme", "settings/size", "users/anne", "users/", "x")
	case name == "idempotency_key":
		return oneOf(r, "", "", "first", "second", fmt.Sprint(r.IntN(1000)))
	}
	return oneOf(r, "one", "two", "three", "four") // names of counters and the like
}

func (r *requestMaker) token(cursor bool) string {
	seen := r.tokens
	if cursor {
		seen = r.cursors
	}
	if len(seen) == 0 || r.chance(2) {
		return oneOf(r, "garbage", "p1.AAAA", strings.Repeat("A", 300))
	}
	text := seen[r.IntN(len(seen))]
	if r.chance(2) { // a torn one
		i := r.IntN(len(text) + 1)
		return text[:i] + oneOf(r, "", "A", "_")
	}
	return text
}

// randomSchema is what random requests are about.
const randomSchema = `use expiration

caveat limited(n int, most int) { n < most }
caveat named(name string) { name.startsWith("a") }

definition user {}
definition team { relation member: user | team#member }
definition folder {
	relation parent: folder
	relation viewer: user | team#member
	permission view = viewer + parent->view
}
definition doc {
	relation parent: folder
	relation viewer: user | user:* | team#member | user with limited | user with expiration | user with limited and expiration
	relation teams: team
	relation banned: user | user with named
	permission edit = teams.all(member) & parent->view
	permission view = (viewer + parent->view) - banned
}`

// schema returns the schema, mostly with a change.
func (r *requestMaker) schema() string {
	lines := strings.SplitAfter(strings.ReplaceAll(randomSchema, "teams.all(member)", "viewer"), "\n")
	if r.chance(50) {
		return strings.Join(lines, "")
	}
	for range oneOf(r, 1, 1, 2) {
		i, j := r.IntN(len(lines)), r.IntN(len(lines))
		switch r.IntN(5) {
		case 0:
			lines[i] = ""
		case 1:
			lines[i], lines[j] = lines[j], lines[i]
		case 2:
			lines[i] += lines[j]
		case 3:
			lines[i] = strings.Replace(lines[i], oneOf(r, "+", "&", "viewer", "user", "{", "int"), oneOf(r, "-", "&", "banned", "team", "}", "string"), 1)
		case 4:
			lines[i] = "// a comment\n" + lines[i]
		}
	}
	return strings.Join(lines, "")
}

// context returns a caveat's context, mostly one that suits.
func (r *requestMaker) context() *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	if r.chance(60) {
		s.Fields["n"] = structpb.NewNumberValue(float64(r.IntN(10)))
	}
	if r.chance(40) {
		s.Fields["most"] = structpb.NewNumberValue(float64(r.IntN(10)))
	}
	if r.chance(40) {
		s.Fields["name"] = structpb.NewStringValue(oneOf(r, "anne", "bob", ""))
	}
	if r.chance(5) {
		s.Fields[oneOf(r, "n", "most", "name", "other", "")] = r.value(0)
	}
	return s
}

func (r *requestMaker) value(depth int) *structpb.Value {
	switch kind := r.IntN(7); {
	case kind == 0:
		return structpb.NewNullValue()
	case kind == 1:
		return structpb.NewNumberValue(oneOf(r, 0, 1, -1.5, 1e300, 1<<53))
	case kind == 2:
		return structpb.NewBoolValue(r.chance(50))
	case kind == 3 && depth < 8:
		list := &structpb.ListValue{}
		for range r.IntN(3) {
			list.Values = append(list.Values, r.value(depth+1))
		}
		return structpb.NewListValue(list)
	case kind == 4 && depth < 8:
		s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
		for range r.IntN(3) {
			s.Fields[oneOf(r, "a", "b", "ä", "")] = r.value(depth + 1)
		}
		return structpb.NewStructValue(s)
	case kind == 5 && r.chance(5):
		return &structpb.Value{} // of no kind
	}
	return structpb.NewStringValue(oneOf(r, "", "text", "ä", "\u0000"))
}

func (r *requestMaker) timestamp() *timestamppb.Timestamp {
	if r.chance(3) {
		return &timestamppb.Timestamp{Seconds: oneOf[int64](r, math.MinInt64, math.MaxInt64, 0), Nanos: oneOf[int32](r, -1, 0, math.MaxInt32)}
	}
	return timestamppb.New(startOfTime.Add(time.Duration(r.IntN(200)-100) * time.Hour))
}
