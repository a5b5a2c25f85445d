//go:build !planted

package server

// bugWatchGap is a bug that the fault tests plant to prove that they would find it: a
// watch that goes on from a cursor leaves out the revision after it.
const bugWatchGap = false
