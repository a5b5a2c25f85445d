package deploy

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestDockerfile parses the Dockerfile as BuildKit does, has its linter say
// nothing, and checks what the image promises.
func TestDockerfile(t *testing.T) {
	file, err := parser.Parse(strings.NewReader(read(t, "deploy/Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, description, url, message string, at []parser.Range) {
		t.Errorf("%s: %s %v", rule, message, at)
	}})
	stages, _, err := instructions.Parse(file.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if len(stages) != 2 || last.BaseName != "scratch" {
		t.Errorf("%d stages, the last from %s", len(stages), last.BaseName)
	}
	var user, built string
	for _, c := range stages[0].Commands {
		if r, ok := c.(*instructions.RunCommand); ok {
			built += strings.Join(r.CmdLine, " ")
		}
	}
	var entry, args []string
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			entry = c.CmdLine
		case *instructions.CmdCommand:
			args = c.CmdLine
		case *instructions.HealthCheckCommand:
			checked(t, c.Health.Test[1:])
		}
	}
	if !strings.Contains(built, "CGO_ENABLED=0") {
		t.Error("the binary would need a C library, and there is none")
	}
	if user != "65532:65532" || !slices.Equal(entry, []string{"pemba"}) {
		t.Errorf("user %s, entry point %s", user, entry)
	}
	if out, err := run(t, pemba, append(args, "--help")...); err != nil {
		t.Errorf("%s: %s", args, out)
	}
	// What git knows stays, or the binary calls its commit modified.
	for _, name := range regexp.MustCompile(`(?m)^[^#\s].*$`).FindAllString(read(t, "deploy/Dockerfile.dockerignore"), -1) {
		dir, base := path.Split(name)
		if !regexp.MustCompile(`(?m)^/?` + regexp.QuoteMeta(base) + `/$`).MatchString(read(t, dir+".gitignore")) {
			t.Errorf("%s is left out of the image's build, and git does not ignore it", name)
		}
	}
}

// checked checks the command of a health check.
func checked(t *testing.T, command []string) {
	t.Helper()
	if command[0] != "pemba" {
		t.Fatalf("the image has no program %s", command[0])
	}
	if out, err := run(t, pemba, append(command[1:], "--help")...); err != nil {
		t.Errorf("%s: %s", command, out)
	}
}

// TestCompose loads the compose files; that the three nodes found a cluster is
// shown by exportedMetrics, which runs them.
func TestCompose(t *testing.T) {
	for name, nodes := range map[string]int{"one.yaml": 1, "three.yaml": 3} {
		p := project(t, name)
		if len(p.Services) != nodes || len(p.Volumes) != nodes {
			t.Errorf("%s: %d services, %d volumes", name, len(p.Services), len(p.Volumes))
		}
		published := map[string]string{}
		for _, s := range p.Services {
			if out, err := run(t, pemba, append(s.Command, "--help")...); err != nil {
				t.Errorf("%s: %s: %s", s.Name, s.Command, out)
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.StopGracePeriod == nil {
				t.Errorf("%s: %s is not as locked as it could be", name, s.Name)
			}
			for _, port := range s.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("%s: %s is reached from outside, in plain text", name, port.Published)
				}
				if other := published[port.Published]; other != "" {
					t.Errorf("%s: %s and %s want port %s", name, s.Name, other, port.Published)
				}
				published[port.Published] = s.Name
			}
		}
	}
}

// TestUnit parses the systemd unit and its settings.
func TestUnit(t *testing.T) {
	options, err := unit.DeserializeOptions(strings.NewReader(read(t, "deploy/systemd/pemba.service")))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range options {
		got[o.Section+" "+o.Name] = o.Value
	}
	for name, want := range map[string]string{
		"Service User": "pemba", "Service Restart": "always", "Service KillSignal": "SIGTERM", "Service NoNewPrivileges": "yes",
		"Service ProtectSystem": "strict", "Service CapabilityBoundingSet": "", "Service StateDirectory": "pemba",
		"Service EnvironmentFile": "/etc/pemba/pemba.env", "Install WantedBy": "multi-user.target",
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	command := strings.Fields(got["Service ExecStart"])
	if out, err := run(t, pemba, append(command[1:], "--help")...); err != nil {
		t.Errorf("%s: %s", command, out)
	}
	set := map[string]bool{}
	for line := range strings.Lines(read(t, "deploy/systemd/pemba.env")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || value == "" || set[name] || strings.ContainsAny(value, " \"'$") {
			t.Errorf("pemba.env: %s", line)
		}
		set[name] = true
	}
}

// TestPeerCertificates makes certificates as compose/peer-certs.sh does and
// checks that members of a cluster take them from each other, and new ones made
// later from the same authority.
func TestPeerCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	var serials []string
	for range 2 {
		if out, err := run(t, "sh", "compose/peer-certs.sh", dir, "pemba-1,10.0.0.1,::1", "*.pemba-peers.pemba.svc"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		authority := x509.NewCertPool()
		authority.AddCert(certificate(t, dir, "ca.crt"))
		for node, hosts := range map[string][]string{
			"pemba-1": {"pemba-1", "10.0.0.1", "::1"}, "pemba-peers.pemba.svc": {"pemba-0.pemba-peers.pemba.svc"},
		} {
			c := certificate(t, dir, node, "tls.crt")
			for _, host := range hosts {
				for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
					if _, err := c.Verify(x509.VerifyOptions{DNSName: host, Roots: authority, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
						t.Errorf("%s as %s: %v", node, host, err)
					}
				}
			}
			if _, err := c.Verify(x509.VerifyOptions{DNSName: "other", Roots: authority}); err == nil {
				t.Errorf("%s is good for any name", node)
			}
			if left := time.Until(c.NotAfter); left < 360*24*time.Hour {
				t.Errorf("%s is good for %v", node, left)
			}
		}
		serials = append(serials, certificate(t, dir, "pemba-1", "tls.crt").SerialNumber.String())
	}
	if serials[0] == serials[1] {
		t.Error("the second run made no new certificate")
	}
	for name, want := range map[string]os.FileMode{"ca.key": 0o600, ".": 0o700} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if out, err := run(t, "sh", "compose/peer-certs.sh", dir); err == nil || !strings.Contains(out, "usage") {
		t.Errorf("without names: %v %s", err, out)
	}
}

func certificate(t *testing.T, path ...string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
