package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// requestJSON is the JSON of the gateway; of a body that cannot be read it says
// that it is the body. Fields that are not known are passed over, so that clients
// of later versions are served; names of enums that are not known are refused, as
// they would count as if they had not been given.
type requestJSON struct{ runtime.Marshaler }

func newRequestJSON() *requestJSON {
	return &requestJSON{&runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: true},
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
	}}}
}

// NewDecoder implements runtime.Marshaler.
func (j *requestJSON) NewDecoder(r io.Reader) runtime.Decoder {
	messages, others := json.NewDecoder(r), j.Marshaler.NewDecoder(r) // a body is read by one of them
	return runtime.DecoderFunc(func(v any) error {
		var err error
		if m, ok := v.(proto.Message); ok {
			err = j.message(messages, m)
		} else {
			err = others.Decode(v)
		}
		if err == nil || errors.Is(err, io.EOF) {
			return err
		}
		return fmt.Errorf("the body is no JSON of the request: %w", err)
	})
}

// message reads one message.
func (j *requestJSON) message(from *json.Decoder, m proto.Message) error {
	var text json.RawMessage
	if err := from.Decode(&text); err != nil {
		return err
	}
	if protojson.Unmarshal(text, m) == nil { // there is nothing that is not known
		return nil
	}
	if err := j.Unmarshal(text, m); err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return knownMessage(m.ProtoReflect().Descriptor(), value, "")
}

// knownMessage refuses the JSON of a message with a name of an enum that there is
// not. at is where it stands, ending in a dot.
func knownMessage(m protoreflect.MessageDescriptor, value any, at string) error {
	object, ok := value.(map[string]any)
	if !ok || m.ParentFile().Package() == "google.protobuf" { // which have a JSON of their own
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		f := m.Fields().ByJSONName(name)
		if f == nil {
			f = m.Fields().ByTextName(name)
		}
		if f == nil {
			continue
		}
		if err := knownField(f, object[name], at+name); err != nil {
			return err
		}
	}
	return nil
}

// knownField does it for one field.
func knownField(f protoreflect.FieldDescriptor, value any, at string) error {
	switch value := value.(type) {
	case []any:
		for i, each := range value {
			if err := knownField(f, each, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if !f.IsMap() {
			return knownMessage(f.Message(), value, at+".")
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if err := knownField(f.MapValue(), value[key], fmt.Sprintf("%s[%q]", at, key)); err != nil {
				return err
			}
		}
	case string:
		if e := f.Enum(); e != nil && e.Values().ByName(protoreflect.Name(value)) == nil {
			return fmt.Errorf("%s is %q, and can be %s", at, value, strings.Join(enumNames(e), ", "))
		}
	}
	return nil
}

// enumNames lists the names of an enum, without that of nothing given.
func enumNames(e protoreflect.EnumDescriptor) []string {
	var names []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 || !strings.HasSuffix(string(v.Name()), "_UNSPECIFIED") {
			names = append(names, string(v.Name()))
		}
	}
	return names
}
