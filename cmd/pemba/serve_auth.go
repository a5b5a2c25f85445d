package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
)

func (f *serveFlags) declareAuth(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.keys, "grpc-preshared-key", nil, "key that callers send as bearer token, for role admin; ROLE=KEY for another role; may be repeated")
	flags.StringVar(&f.keyFile, "key-file", "", "file of more keys, by hash, as pemba key create prints them; read again when it changes")
	flags.StringVar(&f.oidcIssuer, "oidc-issuer", "", "URL of the issuer whose JWT bearer tokens are taken")
	flags.StringVar(&f.oidcAudience, "oidc-audience", "", "audience that these tokens must have")
	flags.StringVar(&f.oidcClaim, "oidc-role-claim", "roles", "claim whose words give the role")
	flags.StringSliceVar(&f.oidcRoles, "oidc-role", nil, "WORD=ROLE: what a word of the claim is good for; may be repeated")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM file of the certificate for gRPC and HTTP; read again when it changes")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM file of its private key")
	flags.StringVar(&f.tlsClientCA, "tls-client-ca", "", "PEM file of the authorities whose client certificates are demanded; without keys and issuer, they are admin")
}

// exposure refuses to serve everybody on an address that everybody reaches.
func (f *serveFlags) exposure() []error {
	if f.authConfig(nil).Enabled() {
		return nil
	}
	var faults []error
	for _, p := range []struct{ flag, addr string }{{"grpc-addr", f.grpcAddr}, {"http-addr", f.httpAddr}} {
		if checkAddr(p.addr) == nil && !loopback(p.addr) {
			faults = append(faults, fmt.Errorf("--%s %s: without --grpc-preshared-key, --key-file, --oidc-issuer or --tls-client-ca only loopback addresses are served, such as 127.0.0.1:50051", p.flag, p.addr))
		}
	}
	return faults
}

// authConfig collects who may call, with the faults of it in faults.
func (f *serveFlags) authConfig(faults *[]error) server.AuthConfig {
	fault := func(err error) {
		if faults != nil {
			*faults = append(*faults, err)
		}
	}
	c := server.AuthConfig{KeyFile: f.keyFile, Certificates: f.tlsClientCA != ""}
	for _, text := range f.keys {
		key, err := server.PlainKey(text)
		if err != nil {
			fault(fmt.Errorf("--grpc-preshared-key: %w", err))
		}
		c.Keys = append(c.Keys, key)
	}
	if f.oidcIssuer == "" {
		if f.oidcAudience != "" || len(f.oidcRoles) > 0 {
			fault(errors.New("--oidc-audience and --oidc-role need --oidc-issuer"))
		}
		return c
	}
	c.OIDC = &server.OIDCConfig{Issuer: f.oidcIssuer, Audience: f.oidcAudience, Claim: f.oidcClaim, Roles: map[string]server.Role{}}
	for _, text := range f.oidcRoles {
		word, roleName, _ := strings.Cut(text, "=")
		role, err := server.ParseRole(roleName)
		if err != nil || word == "" {
			fault(fmt.Errorf("--oidc-role %q: it is WORD=ROLE, such as authz-admins=admin", text))
			continue
		}
		c.OIDC.Roles[word] = role
	}
	return c
}

// auth returns nil when everybody may call.
func (f *serveFlags) auth(log *slog.Logger) (*server.Auth, error) {
	var faults []error
	c := f.authConfig(&faults)
	c.Logger = log
	if !c.Enabled() {
		return nil, errors.Join(faults...)
	}
	auth, err := server.NewAuth(c)
	if err != nil {
		faults = append(faults, err)
	}
	return auth, errors.Join(faults...)
}

// tls returns nil without certificates.
func (f *serveFlags) tls(log *slog.Logger) (*tls.Config, error) {
	switch {
	case f.tlsCert == "" && f.tlsKey == "" && f.tlsClientCA == "":
		return nil, nil
	case f.tlsCert == "" || f.tlsKey == "":
		return nil, errors.New("--tls-cert, --tls-key: TLS needs both")
	}
	return server.NewTLS(server.TLSConfig{Cert: f.tlsCert, Key: f.tlsKey, ClientCA: f.tlsClientCA, Logger: log})
}
