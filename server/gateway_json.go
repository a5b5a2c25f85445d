package server

import (
	"errors"
	"fmt"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
)

// requestJSON is the JSON of the gateway; of a body that cannot be read it says
// that it is the body.
type requestJSON struct{ runtime.Marshaler }

func newRequestJSON() *requestJSON {
	return &requestJSON{&runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: true},
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
	}}}
}

// NewDecoder implements runtime.Marshaler.
func (j *requestJSON) NewDecoder(r io.Reader) runtime.Decoder {
	decoder := j.Marshaler.NewDecoder(r)
	return runtime.DecoderFunc(func(v any) error {
		err := decoder.Decode(v)
		if err == nil || errors.Is(err, io.EOF) {
			return err
		}
		return fmt.Errorf("the body is no JSON of the request: %w", err)
	})
}
