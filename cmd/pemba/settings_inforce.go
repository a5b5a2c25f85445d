package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
)

// origin is where a setting comes from: a variable of the environment or a file.
type origin struct {
	source server.Source
	from   string
}

// secretFlags are the flags whose values nobody may see. What others hold names a
// file at most.
var secretFlags = map[string]bool{"grpc-preshared-key": true}

// inForce tells what the settings are, and where each comes from.
func inForce(flags *pflag.FlagSet, origins map[string]origin) []server.Setting {
	var all []server.Setting
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		s := server.Setting{
			Name: f.Name, Value: flagText(f), Default: strings.Trim(f.DefValue, "[]"), Usage: f.Usage,
			Secret: secretFlags[f.Name], Source: origins[f.Name].source, Origin: origins[f.Name].from,
		}
		if s.Secret && s.Value != "" {
			s.Value = "(secret)"
		}
		all = append(all, s)
	})
	return all
}

// flagText is the value of a flag as it would be given.
func flagText(f *pflag.Flag) string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return f.Value.String()
}
