package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// maxMessage bounds an answer, in bytes. Explanations and expansions are one
	// message each, however large they are.
	maxMessage = 256 << 20

	keepaliveEvery   = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
)

// dial makes a connection to a server. It is set up when the first call needs it.
func dial(server access) (*grpc.ClientConn, error) {
	transport, err := transportCredentials(server)
	if err != nil {
		return nil, err
	}
	options := append(callOptions(server.Endpoint),
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("pemba/"+buildVersion().Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveEvery, Timeout: keepaliveTimeout}),
	)
	if server.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{server.Token, !server.Insecure}))
	}
	return grpc.NewClient("dns:///"+server.Endpoint, options...)
}

func transportCredentials(server access) (credentials.TransportCredentials, error) {
	if server.Insecure {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if server.CA != "" {
		data, err := os.ReadFile(server.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, usagef("--ca %s: it holds no certificate in PEM form", server.CA)
		}
	}
	if server.Cert != "" {
		pair, err := tls.LoadX509KeyPair(server.Cert, server.Key)
		if err != nil {
			return nil, usagef("--cert %s and --key %s: %w", server.Cert, server.Key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

// bearer sends a token with every call.
type bearer struct {
	token  string
	secure bool // only over TLS
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }

// callOptions are what calls to a server and to a node in this process share;
// where names the place in errors.
func callOptions(where string) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return callError(where, call(ctx, method, req, reply, conn, options...))
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := open(ctx, desc, conn, method, options...)
			if err != nil {
				return nil, callError(where, err)
			}
			return &explainedStream{s, where}, nil
		}),
	}
}

// explainedStream is a stream whose errors are callErrors.
type explainedStream struct {
	grpc.ClientStream
	where string
}

func (s *explainedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if errors.Is(err, io.EOF) { // the end, not a fault
		return err
	}
	return callError(s.where, err)
}

func (s *explainedStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if errors.Is(err, io.EOF) { // RecvMsg has the reason
		return err
	}
	return callError(s.where, err)
}
