package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// A message that cannot be read is an error of who sent it. gRPC says INTERNAL,
// as if the server were broken, and sends that as soon as a codec fails. So the
// codec of this server does not: it is asked for an envelope, which keeps what
// was wrong.

// envelope is what a message is read into.
type envelope struct {
	message any
	fault   error // of reading it
}

// receive reads a message by read, which is gRPC's.
func receive(read func(any) error, message any) error {
	e := envelope{message: message}
	if err := read(&e); err != nil {
		return err
	}
	if e.fault != nil {
		return invalid("the request is no message of this method: %w", e.fault)
	}
	return nil
}

// envelopeCodec is a codec that reads envelopes too.
type envelopeCodec struct{ encoding.CodecV2 }

func (c envelopeCodec) Unmarshal(data mem.BufferSlice, into any) error {
	e, ok := into.(*envelope)
	if !ok {
		return c.CodecV2.Unmarshal(data, into)
	}
	e.fault = c.CodecV2.Unmarshal(data, e.message)
	return nil
}

// receiving is a stream whose messages are read into envelopes.
type receiving struct{ grpc.ServerStream }

func (s receiving) RecvMsg(message any) error { return receive(s.ServerStream.RecvMsg, message) }

// registrar registers services whose unary methods read envelopes. Streams do so
// from their first interceptor on.
type registrar struct {
	grpc.ServiceRegistrar
	server *Server
}

func (r registrar) RegisterService(d *grpc.ServiceDesc, impl any) {
	own := *d // the generated one belongs to all servers
	own.Methods = make([]grpc.MethodDesc, len(d.Methods))
	for n, m := range d.Methods {
		name := "/" + d.ServiceName + "/" + m.MethodName
		own.Methods[n] = grpc.MethodDesc{MethodName: m.MethodName, Handler: func(srv any, ctx context.Context, read func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
			return m.Handler(srv, ctx, func(message any) error { return r.server.status(ctx, name, receive(read, message)) }, i)
		}}
	}
	r.ServiceRegistrar.RegisterService(&own, impl)
}
