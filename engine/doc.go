// Package engine answers questions about relationships under a schema: Check,
// Expand, LookupResources and LookupSubjects.
//
// It is a library without surroundings: it knows no clock (the time is an
// argument), log, configuration, network or disk. What is stored it asks of a
// Reader. Start reading at reader.go, then check.go.
package engine
