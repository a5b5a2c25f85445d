package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
)

// authZENFlags say how the names of AuthZEN are mapped to the schema.
type authZENFlags struct {
	actions   []string
	relations bool
}

func (f *authZENFlags) declare(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.actions, "authzen-action", nil, "ACTION=PERMISSION: what an action of AuthZEN asks for, such as GET=read; may be repeated (default: the permission of its name)")
	flags.BoolVar(&f.relations, "authzen-relations", false, "answer AuthZEN's search for actions with relations too, not with permissions alone")
}

// config understands the flags, and names every fault.
func (f *authZENFlags) config() (server.AuthZENConfig, []error) {
	c := server.AuthZENConfig{Actions: map[string]string{}, Relations: f.relations}
	var faults []error
	for _, text := range f.actions {
		at := strings.LastIndexByte(text, '=') // a permission has none
		if at <= 0 || engine.CheckRelationName(text[at+1:]) != nil {
			faults = append(faults, fmt.Errorf("--authzen-action %q: it is ACTION=PERMISSION, such as GET=read", text))
			continue
		}
		if before, twice := c.Actions[text[:at]]; twice {
			faults = append(faults, fmt.Errorf("--authzen-action %q: the action asks for %s already", text, before))
			continue
		}
		c.Actions[text[:at]] = text[at+1:]
	}
	return c, faults
}
