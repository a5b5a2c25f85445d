package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// contexts are the servers that a user has given names, as config.yaml holds
// them.
type contexts struct {
	Current  string            `yaml:"current,omitempty"` // "": none
	Contexts map[string]access `yaml:"contexts,omitempty"`
}

// contextsFile returns where the contexts are kept.
func contextsFile() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		var err error
		if dir, err = os.UserConfigDir(); err != nil {
			return "", fmt.Errorf("finding the configuration: %w", err)
		}
	}
	return filepath.Join(dir, "pemba", "config.yaml"), nil
}

// loadContexts reads the contexts; without a file there are none.
func loadContexts() (contexts, error) {
	c := contexts{Contexts: map[string]access{}}
	name, err := contextsFile()
	if err != nil {
		return c, err
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %s", name, yamlFault(err))
	}
	if c.Contexts == nil {
		c.Contexts = map[string]access{}
	}
	return c, nil
}

// yamlFault says on one line what is wrong with a file, without the names of our
// types.
func yamlFault(err error) string {
	var list *yaml.TypeError
	if !errors.As(err, &list) {
		return strings.TrimPrefix(err.Error(), "yaml: ")
	}
	faults := make([]string, len(list.Errors))
	for i, fault := range list.Errors {
		faults[i], _, _ = strings.Cut(fault, " in type ")
	}
	return strings.Join(faults, ", ")
}

// save writes the contexts: whole or not at all, and for the user's eyes only,
// as they hold tokens.
func (c contexts) save() error {
	name, err := contextsFile()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // a link stays one
	}
	data, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "config-*.yaml") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// names returns the names of all contexts, sorted.
func (c contexts) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

// find returns a context, "" being the current one, and its name.
func (c contexts) find(name string) (string, access, error) {
	if name == "" {
		name = c.Current
	}
	server, ok := c.Contexts[name]
	switch {
	case ok:
		return name, server, nil
	case name == "":
		return "", access{}, refusedf("no context is current: `pemba context use NAME` chooses one")
	case len(c.Contexts) == 0:
		return "", access{}, refusedf("there is no context %q, nor any other: `pemba context set NAME ENDPOINT` makes one", name)
	}
	return "", access{}, refusedf("there is no context %q: there are %s", name, strings.Join(c.names(), ", "))
}
