//go:build !linux

package replica

import "testing"

// mountDisk reports that this machine has no disks that a test could mount.
func mountDisk(*testing.T, string, int) bool { return false }
