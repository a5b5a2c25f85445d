//go:build race

package server_test

// manyConnections of the test of many streams: the race detector makes them ten
// times as slow and as large.
const manyConnections = 50
