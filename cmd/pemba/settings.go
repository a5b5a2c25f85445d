package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server"
)

// configFlag names the file of settings.
const configFlag = "config"

// settable are the flags of a server's command: its own, and those of the
// store that all commands have.
func settable(c *cobra.Command) *pflag.FlagSet {
	flags := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError)
	flags.AddFlagSet(c.LocalNonPersistentFlags())
	for _, name := range []string{"data-dir", "cache-size", "retention", "retention-revisions"} {
		if f := c.InheritedFlags().Lookup(name); f != nil {
			flags.AddFlag(f)
		}
	}
	return flags
}

// settle gives every flag that the command line leaves out its value: from the
// environment (--grpc-addr is PEMBA_GRPC_ADDR), else from the YAML file that
// --config names, whose keys are the names of the flags, else its default. It
// says where each comes from, and names every fault.
func settle(flags *pflag.FlagSet, lookup func(string) (string, bool)) (map[string]origin, error) {
	var faults []error
	given := map[string]origin{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			given[f.Name] = origin{source: server.FromCommandLine}
		}
		value, ok := lookup(variable(f.Name))
		if f.Changed || !ok || value == "" {
			return
		}
		given[f.Name] = origin{server.FromEnvironment, variable(f.Name)}
		if err := f.Value.Set(value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", variable(f.Name), err))
		}
	})
	if f := flags.Lookup(configFlag); f != nil && f.Value.String() != "" {
		faults = append(faults, settleFrom(f.Value.String(), flags, given)...)
	}
	return given, errors.Join(faults...)
}

// variable is the environment's name of a flag.
func variable(flag string) string {
	return "PEMBA_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settleFrom gives the flags that are not given their values from a file.
func settleFrom(name string, flags *pflag.FlagSet, given map[string]origin) []error {
	file, err := os.Open(name)
	if err != nil {
		return []error{fmt.Errorf("--config: %w", err)}
	}
	defer func() { _ = file.Close() }() // it was only read
	var settings yaml.Node
	if err := yaml.NewDecoder(file).Decode(&settings); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // an empty file says nothing
		}
		return []error{fmt.Errorf("%s: %w", name, err)}
	}
	top := settings.Content[0]
	if top.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s:%d: settings are a mapping, such as `grpc-addr: 127.0.0.1:50051`", name, top.Line)}
	}
	var faults []error
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		set, err := settleOne(flags, given, key.Value, value)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, key.Line, err))
		}
		if set {
			given[key.Value] = origin{server.FromFile, name}
		}
	}
	return faults
}

// settleOne sets one flag from a file, unless it is given, and reports whether it
// did.
func settleOne(flags *pflag.FlagSet, given map[string]origin, key string, value *yaml.Node) (bool, error) {
	f := flags.Lookup(key)
	if f == nil || key == configFlag || key == "help" {
		var known []string
		flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		hint := ""
		if near := syntax.Nearest(key, known); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
		return false, fmt.Errorf("%q is no setting%s", key, hint)
	}
	var values []string
	switch value.Kind {
	case yaml.ScalarNode:
		values = []string{value.Value}
	case yaml.SequenceNode:
		for _, item := range value.Content {
			values = append(values, item.Value)
		}
	default:
		return false, fmt.Errorf("%s should be a value, or a list of values", key)
	}
	if given[key].source != server.FromDefault {
		return false, nil
	}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return true, list.Replace(slices.DeleteFunc(values, func(v string) bool { return v == "" }))
	}
	if len(values) != 1 || value.Kind != yaml.ScalarNode {
		return false, fmt.Errorf("%s takes one value, not a list", key)
	}
	if err := f.Value.Set(values[0]); err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	return true, nil
}
