package server

import (
	"cmp"
	"slices"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// Setting is one setting of the program, for those who ask what is in force.
type Setting struct {
	Name    string // of the flag
	Value   string // of a secret only that there is one
	Default string
	Usage   string
	Secret  bool
	Source  Source
	Origin  string // the variable or the file that it comes from
}

// Source is where a setting comes from.
type Source uint8

const (
	FromDefault Source = iota
	FromCommandLine
	FromEnvironment
	FromFile
)

// Surface is one API or switch of the program.
type Surface struct {
	Name   string
	On     bool
	Detail string // where it is, or how
}

// settingMessages converts settings, by name.
func settingMessages(all []Setting) []*consolev1.Setting {
	out := make([]*consolev1.Setting, len(all))
	for i, s := range all {
		out[i] = &consolev1.Setting{
			Name: s.Name, Value: s.Value, Default: s.Default, Usage: s.Usage, Secret: s.Secret, Origin: s.Origin,
			Source: consolev1.Setting_Source(s.Source) + consolev1.Setting_SOURCE_DEFAULT,
		}
	}
	slices.SortFunc(out, func(a, b *consolev1.Setting) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// surface says what the node answers: what the program has told, and what the
// server knows itself.
func (s *Server) surface() []*consolev1.Surface {
	all := append(slices.Clone(s.config.Surface),
		Surface{"authentication", s.config.Auth != nil, s.config.Auth.describe()},
		Surface{"authzed.api.v1", true, "the shared API"},
		Surface{"pemba.v1", true, "what goes beyond it"},
		Surface{"pemba.console.v1", true, "the workbench and operations pages"},
		Surface{"pemba.portal.v1", s.config.Portal != nil, "the Customer Portal"},
		Surface{"gRPC reflection", true, "describes all of them"},
		Surface{"AuthZEN", true, "the OpenID AuthZEN Authorization API 1.0, over HTTP"},
		Surface{"traces", s.config.Tracing != nil, "OpenTelemetry"},
	)
	out := make([]*consolev1.Surface, len(all))
	for i, x := range all {
		out[i] = &consolev1.Surface{Name: x.Name, On: x.On, Detail: x.Detail}
	}
	return out
}

// describe says by what callers are known.
func (a *Auth) describe() string {
	switch {
	case a == nil:
		return "everybody may do everything"
	case !a.tokens:
		return "client certificates"
	}
	text := ""
	for _, means := range []struct {
		on   bool
		name string
	}{{len(a.keys) > 0, "preshared keys"}, {a.file != nil, "a file of keys"}, {a.oidc != nil, "tokens of an issuer"}} {
		if !means.on {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += means.name
	}
	return text
}
