package server

import (
	"context"
	"net/textproto"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// newGateway serves every RPC as JSON over HTTP: one POST each, streams as one
// JSON object a line, errors as a JSON status.
func newGateway(conn *grpc.ClientConn) (*runtime.ServeMux, error) {
	mux := runtime.NewServeMux(runtime.WithIncomingHeaderMatcher(passHeader), runtime.WithMarshalerOption(runtime.MIMEWildcard, newRequestJSON()),
		runtime.WithForwardResponseOption(keepSession))
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		v1.RegisterPermissionsServiceHandler,
		v1.RegisterSchemaServiceHandler,
		v1.RegisterWatchServiceHandler,
		v1.RegisterExperimentalServiceHandler,
		pembav1.RegisterTransactionServiceHandler,
		pembav1.RegisterDocumentServiceHandler,
		pembav1.RegisterBackupServiceHandler,
		pembav1.RegisterSchemaServiceHandler,
		pembav1.RegisterExplainServiceHandler,
		pembav1.RegisterRevisionServiceHandler,
		pembav1.RegisterClusterServiceHandler,

		consolev1.RegisterSchemaToolsServiceHandler,
		consolev1.RegisterAssertionServiceHandler,
		consolev1.RegisterHistoryServiceHandler,
		consolev1.RegisterSandboxServiceHandler,
		consolev1.RegisterNodeServiceHandler,
		consolev1.RegisterBackupServiceHandler,
		portalv1.RegisterSessionServiceHandler,
		portalv1.RegisterPeopleServiceHandler,
		portalv1.RegisterSubscriptionServiceHandler,
		portalv1.RegisterWorkspaceServiceHandler,
		portalv1.RegisterDiagramServiceHandler,
		portalv1.RegisterGroupServiceHandler,
		portalv1.RegisterAuditServiceHandler,
		portalv1.RegisterSettingsServiceHandler,
		portalv1.RegisterOperatorServiceHandler,
	} {
		if err := register(context.Background(), mux, conn); err != nil {
			return nil, err
		}
	}
	return mux, nil
}

// passHeader says which headers of a request become metadata of the call, and
// under which name.
func passHeader(key string) (string, bool) {
	switch name := strings.ToLower(textproto.CanonicalMIMEHeaderKey(key)); {
	case name == idempotencyKey, name == "x-request-id", strings.HasPrefix(name, "io.spicedb."),
		name == "traceparent", name == "tracestate", name == atLeastHeader:
		return name, true
	}
	return runtime.DefaultHeaderMatcher(key)
}
