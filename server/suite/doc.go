// Package suite answers files of expectations from memory: a schema, the
// relationships under it, assertions about single answers, and expected relations,
// which are whole sets.
//
// It knows the validation files that `zed validate` reads, and tells every fault of
// one with its place. It opens no files: who reads a suite says how what it names
// is opened, or that nothing may be. It knows no store, no requests and no clock.
//
// Begin with suite.go; yaml.go reads validation files, parts.go takes them apart and
// puts them together, found.go has the lines of expected relations, run.go asks.
package suite
