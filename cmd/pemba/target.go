package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
)

// defaultPort is where a server listens that was told nothing else.
const defaultPort = "50051"

// access is a server, and what it takes to talk to it.
type access struct {
	Endpoint string `yaml:"endpoint"` // host:port
	Token    string `yaml:"token,omitempty"`
	Insecure bool   `yaml:"insecure,omitempty"` // plain text instead of TLS
	CA       string `yaml:"ca,omitempty"`       // file with who signed the server's certificate; "": as the system says
	Cert     string `yaml:"cert,omitempty"`     // file of the client's certificate; "": it has none
	Key      string `yaml:"key,omitempty"`      // file of its private key
}

// check refuses what does not go together.
func (s access) check() error {
	switch {
	case s.Insecure && s.CA != "":
		return usagef("--ca is for TLS, and --insecure leaves TLS out: give one of them")
	case s.Insecure && s.Cert+s.Key != "":
		return usagef("--cert and --key are for TLS, and --insecure leaves TLS out: give one or the other")
	case (s.Cert == "") != (s.Key == ""):
		return usagef("--cert and --key go together: give both")
	}
	return checkToken(s.Token)
}

// target is what a command talks to: a server, or a node in this process on a
// directory.
type target struct {
	dir string // "": the server
	access
}

// target finds what the command line, the environment and the contexts name, in
// this order. Where the endpoint comes from one of the first two, no context
// adds to it: its token is for its own server.
func (a *app) target() (target, error) {
	t, err := a.named()
	if err != nil || t.dir != "" {
		return t, err
	}
	if t.Endpoint, err = parseEndpoint(t.Endpoint); err != nil {
		return t, err
	}
	if token, ok := a.setting("token", "PEMBA_TOKEN"); ok {
		t.Token = token
	}
	if ca, ok := a.setting("ca", "PEMBA_CA"); ok {
		t.CA = ca
	}
	if cert, ok := a.setting("cert", "PEMBA_CERT"); ok {
		t.Cert = cert
	}
	if key, ok := a.setting("key", "PEMBA_KEY"); ok {
		t.Key = key
	}
	if text, ok := a.setting("insecure", "PEMBA_INSECURE"); ok {
		if t.Insecure, err = strconv.ParseBool(text); err != nil {
			return t, usagef("PEMBA_INSECURE=%s: it is true or false", text)
		}
	}
	return t, t.check()
}

// directory returns the directory that a command works on, which does something
// that no server can do for it.
func (a *app) directory(does string) (string, error) {
	t, err := a.target()
	if err == nil && t.dir == "" {
		err = usagef("%s: give --data-dir DIR", does)
	}
	return t.dir, err
}

// named returns the one place that is named first.
func (a *app) named() (target, error) {
	var given []string
	for _, flag := range []string{"endpoint", "context", "data-dir"} {
		if a.root.PersistentFlags().Changed(flag) {
			given = append(given, "--"+flag)
		}
	}
	endpoint, dir := os.Getenv("PEMBA_ENDPOINT"), os.Getenv("PEMBA_DATA_DIR")
	switch {
	case len(given) > 1:
		return target{}, usagef("%s name different stores: give one of them", strings.Join(given, " and "))
	case a.root.PersistentFlags().Changed("endpoint"):
		return target{access: access{Endpoint: a.endpoint}}, nil
	case a.root.PersistentFlags().Changed("context"):
		return contextTarget(a.context)
	case a.root.PersistentFlags().Changed("data-dir"):
		endpoint, dir = "", a.dataDir
	}
	switch {
	case endpoint != "" && dir != "":
		return target{}, usagef("PEMBA_ENDPOINT and PEMBA_DATA_DIR are both set and name different stores: give --endpoint or --data-dir")
	case endpoint != "":
		return target{access: access{Endpoint: endpoint}}, nil
	case dir != "":
		return target{dir: dir}, nil
	}
	return contextTarget("")
}

// contextTarget returns the server of a context, "" being the current one.
func contextTarget(name string) (target, error) {
	c, err := loadContexts()
	if err != nil {
		return target{}, err
	}
	if name == "" && c.Current == "" {
		return target{}, usagef("no server is named: give --endpoint HOST:PORT, or --data-dir DIR for a store without a server, or keep one with `pemba context set NAME ENDPOINT`")
	}
	_, server, err := c.find(name)
	return target{access: server}, err
}

// setting returns a value that the command line or the environment gives.
func (a *app) setting(flag, variable string) (string, bool) {
	if f := a.root.PersistentFlags().Lookup(flag); f.Changed {
		return f.Value.String(), true
	}
	text := os.Getenv(variable)
	return text, text != ""
}

// parseEndpoint checks an endpoint and adds the port where it has none.
func parseEndpoint(text string) (string, error) {
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return "", usagef("endpoint %s: leave %s:// out, an endpoint is HOST:PORT, such as localhost:%s", text, scheme, defaultPort)
	}
	host, port, err := net.SplitHostPort(text)
	if addr := new(net.AddrError); errors.As(err, &addr) && addr.Err == "missing port in address" {
		host, port, err = strings.Trim(text, "[]"), defaultPort, nil
	}
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		return "", usagef("endpoint %q: an endpoint is HOST:PORT, such as localhost:%s", text, defaultPort)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", usagef("endpoint %q: port %q is no number from 1 to 65535", text, port)
	}
	return net.JoinHostPort(host, port), nil
}

// checkToken refuses what cannot be sent in a header.
func checkToken(token string) error {
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return usagef("the token has a character that no token has: it is one word of ASCII")
		}
	}
	return nil
}
