//go:build !planted

package store

// bugStaleCache is a bug that the tests plant to prove that they would find it: the
// cache keeps sets that a deletion changed.
const bugStaleCache = false
