//go:build !race

package server_test

// manyConnections of the test of many streams, two descriptors each, which Go's
// runtime allows itself.
const manyConnections = 1_000
