package server_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
)

// bytesCodec sends bytes as they are under the name of protobuf.
type bytesCodec struct{}

var _ encoding.Codec = bytesCodec{}

func (bytesCodec) Marshal(v any) ([]byte, error)         { return v.([]byte), nil }
func (bytesCodec) Unmarshal(text []byte, into any) error { *into.(*[]byte) = text; return nil }
func (bytesCodec) Name() string                          { return "proto" }

// TestUnreadableMessages sends what is no message: that is the caller's fault,
// and the server says so, in calls of every kind.
func TestUnreadableMessages(t *testing.T) {
	h := start(t, nil)
	for _, method := range []string{
		"/authzed.api.v1.PermissionsService/CheckPermission",
		"/authzed.api.v1.SchemaService/WriteSchema",
		"/authzed.api.v1.PermissionsService/ReadRelationships",
		"/authzed.api.v1.PermissionsService/ImportBulkRelationships",
		"/authzed.api.v1.WatchService/Watch",
		"/pemba.v1.TransactionService/WriteTransaction",
	} {
		for name, sent := range map[string][]byte{"cut short": {0x0a, 0xff, 0xff}, "no UTF-8": {0x0a, 0x02, 0xc3, 0x28}} {
			stream, err := h.conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodec(bytesCodec{}))
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(sent); err != nil {
				t.Fatal(err)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			var answer []byte
			err = stream.RecvMsg(&answer)
			if st := status.Convert(err); st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), "no message of this method") {
				t.Errorf("%s, %s: %s: %s", method, name, st.Code(), st.Message())
			}
		}
	}
}
