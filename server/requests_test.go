package server_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var (
	requests    = flag.Int("requests", 3000, "how many random requests TestRequests sends to each service")
	requestSeed = flag.Uint64("requestseed", 1, "the seed of the first of them")
)

// TestRequests sends random requests to every method of each service: most are
// nearly right, and many are. Whatever they are, the server says what is wrong
// with them, never UNKNOWN or INTERNAL, and goes on.
func TestRequests(t *testing.T) {
	for _, name := range services {
		t.Run(string(name.Name()), func(t *testing.T) {
			d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
			if err != nil {
				t.Fatal(err)
			}
			methods := d.(protoreflect.ServiceDescriptor).Methods()
			r := &requester{
				harness: start(t, nil), rand: rand.New(rand.NewPCG(*requestSeed, 0)),
				tokens: []string{"", "garbage"}, codes: map[codes.Code]int{},
			}
			r.writeSchema(schemaPool[0])
			count := *requests
			if name.Name() == "WatchService" {
				count /= 20 // each is waited for
			}
			for range count {
				r.send(methods.Get(r.rand.IntN(methods.Len())))
			}
			r.judge(count)
		})
	}
}

// requester makes random requests.
type requester struct {
	*harness
	rand    *rand.Rand
	careful bool     // the request shall be well formed
	tokens  []string // and cursors that were given out
	codes   map[codes.Code]int
	form    int // requests that were refused for their form
}

// send sends one random request and looks at the answer.
func (r *requester) send(m protoreflect.MethodDescriptor) {
	r.Helper()
	r.careful = r.rand.IntN(10) < 6
	requests := []proto.Message{r.message(m.Input(), 0)}
	for m.IsStreamingClient() && r.rand.IntN(2) == 0 {
		requests = append(requests, r.message(m.Input(), 0))
	}
	// A watch has no end of its own.
	patience := 30 * time.Second
	if m.Name() == "Watch" {
		patience = 3 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	responses, _, err := r.call(ctx, string(m.Name()), requests...)
	if token := lastToken(responses); token != "" {
		r.tokens = append(r.tokens[max(0, len(r.tokens)-50):], token)
	}
	code := status.Code(err)
	r.codes[code]++
	if code == codes.InvalidArgument && len(status.Convert(err).Details()) == 0 {
		r.form++ // what is wrong otherwise has a reason
	}
	if code == codes.Unknown || code == codes.Internal || code == codes.Unavailable {
		text := ""
		for _, request := range requests {
			text += prototext.Format(request) + "\n---\n"
		}
		r.Fatalf("%s: %v\nwith -requestseed %d and the request\n%s", m.Name(), err, *requestSeed, text)
	}
}

// judge demands that enough requests got past what looks at their form.
func (r *requester) judge(count int) {
	r.Helper()
	r.Logf("%d requests, %d of them malformed: %v", count, r.form, r.codes)
	if r.form*10 > count*7 {
		r.Errorf("%d of %d requests were malformed", r.form, count)
	}
}

// deepest is how far messages lie in messages.
const deepest = 8

// message fills in a message.
func (r *requester) message(d protoreflect.MessageDescriptor, depth int) proto.Message {
	m := newMessage(r, d)
	r.fill(m.ProtoReflect(), depth)
	return m
}

func (r *requester) fill(m protoreflect.Message, depth int) {
	d := m.Descriptor()
	switch d.FullName() {
	case "google.protobuf.Struct":
		r.fillStruct(m)
		return
	case "google.protobuf.Timestamp":
		times := []int64{startOfTime.Unix() + 60, startOfTime.Unix() - 60, 0, -1 << 62}
		if r.careful {
			times = times[:3]
		}
		m.Set(d.Fields().ByName("seconds"), protoreflect.ValueOfInt64(pick(r.rand, times)))
		return
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if o := f.ContainingOneof(); o != nil && m.WhichOneof(o) != nil || depth > deepest {
			continue
		}
		if r.rand.IntN(100) < r.chance(f) {
			r.field(m, f, depth)
		}
	}
}

// chance is how likely a field is filled in, in percent.
func (r *requester) chance(f protoreflect.FieldDescriptor) int {
	switch name := string(f.Name()); {
	case f.ContainingOneof() != nil:
		return 60
	case strings.Contains(name, "cursor"):
		return 15
	case name == "idempotency_key":
		return 2
	case f.ContainingMessage().Name() == "DocumentUpdate":
		return 70 // a delete has no value
	case f.ContainingMessage().Name() == "WriteTransactionRequest":
		return 35 // it has many parts, each of which may be wrong
	case name == "optional_relation" || name == "optional_resource_id" || name == "optional_resource_id_prefix":
		return 25
	case strings.HasPrefix(name, "optional_"), name == "consistency":
		return 40
	}
	if r.careful {
		return 100
	}
	return 97
}

func (r *requester) field(m protoreflect.Message, f protoreflect.FieldDescriptor, depth int) {
	switch {
	case f.IsList():
		list := m.Mutable(f).List()
		for range r.rand.IntN(4) {
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

func (r *requester) scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.text(string(f.Name())))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.careful || r.rand.IntN(10) > 0)
	case protoreflect.EnumKind:
		if !r.careful && r.rand.IntN(30) == 0 {
			return protoreflect.ValueOfEnum(99)
		}
		values := f.Enum().Values()
		if !r.careful && r.rand.IntN(30) == 0 || values.Len() == 1 {
			return protoreflect.ValueOfEnum(0)
		}
		return protoreflect.ValueOfEnum(values.Get(1 + r.rand.IntN(values.Len()-1)).Number())
	case protoreflect.Uint32Kind:
		limits := []uint32{0, 1, 2, 3, 1000, 1001, 1 << 31}
		if r.careful {
			limits = limits[:5]
		}
		return protoreflect.ValueOfUint32(pick(r.rand, limits))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(pick(r.rand, []uint64{0, 1, 2, 1 << 63}))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(pick(r.rand, []int64{0, 1, 2, -1 << 63}))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(pick(r.rand, []float64{0, 1, -2.5}))
	}
	r.Fatalf("a field of kind %s", f.Kind())
	return protoreflect.Value{}
}

// schemaPool are schemas that may follow each other, most of the time.
var schemaPool = []string{`
use expiration
caveat tall(height int, minimum int) { height >= minimum }
caveat among(name string, names list<string>) { name in names }
definition user {}
definition team { relation member: user | team#member }
definition folder {
	relation parent: folder
	relation reader: user | user:* | team#member | user with tall
	permission view = reader + parent->view
}
definition document {
	relation parent: folder
	relation viewer: user | user:* | team#member | user with tall | user with among | user with expiration
	relation banned: user | team#member
	permission view = (viewer + parent->view) - banned
	permission edit = viewer & parent.all(view)
	permission odd = viewer - parent->view
}`, `
use expiration
caveat tall(height int, minimum int) { height > minimum }
caveat among(name string, names list<string>) { name in names }
definition user {}
definition team { relation member: user | user:* | team#member }
definition folder {
	relation parent: folder
	relation reader: user | user:* | team#member | user with tall
	permission view = reader - parent->view
}
definition document {
	relation parent: folder
	relation viewer: user | user:* | team#member | user with tall | user with among | user with expiration
	relation banned: user | team#member
	permission view = viewer - banned
	permission edit = viewer & parent->view
}`, "definition user {}", "definition {", "definition document { relation viewer: person }", "", "\x00", "caveat c(a int) { a }"}

// text returns a text for a field of that name: usually one that fits.
func (r *requester) text(name string) string {
	if !r.careful && r.rand.IntN(25) == 0 {
		return pick(r.rand, []string{"", "*", "...", "UPPER", "a b", strings.Repeat("x", 2000), "é", "a/b/c", "x\x00y"})
	}
	relations := []string{"view", "edit", "viewer", "banned", "parent", "reader", "member", "odd", "nothing"}
	switch {
	case name == "token":
		return pick(r.rand, r.tokens)
	case strings.Contains(name, "schema"):
		return pick(r.rand, schemaPool)
	case strings.Contains(name, "caveat"):
		return pick(r.rand, []string{"tall", "among", "other"})
	case strings.Contains(name, "relation") || strings.Contains(name, "permission"):
		return pick(r.rand, relations)
	case strings.Contains(name, "type") || strings.Contains(name, "definition"):
		return pick(r.rand, []string{"document", "document", "document", "folder", "folder", "team", "user", "user", "user", "thing"})
	case strings.Contains(name, "id"):
		ids := []string{"a", "b", "c", "d", "*"}
		if r.careful {
			ids = ids[:4]
		}
		return pick(r.rand, ids)
	}
	return pick(r.rand, []string{"one", "two", "three"})
}

// fillStruct makes a caveat context or metadata.
func (r *requester) fillStruct(m protoreflect.Message) {
	values := []string{`number_value: 3`, `number_value: -1.5`, `string_value: "7"`, `string_value: "anne"`,
		`bool_value: true`, `null_value: NULL_VALUE`, `list_value { values { string_value: "anne" } }`, `struct_value {}`, ``}
	if !r.careful {
		values = append(values, `number_value: nan`)
	}
	text := ""
	for range r.rand.IntN(3) {
		text += fmt.Sprintf("fields { key: %q value { %s } }\n", pick(r.rand, []string{"height", "minimum", "name", "names", "x"}), pick(r.rand, values))
	}
	if err := prototext.Unmarshal([]byte(text), m.Interface()); err != nil {
		r.Fatal(err)
	}
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
