package replica

import (
	"strconv"
	"syscall"
	"testing"
)

// mountDisk puts a disk of a size at a directory, and reports whether the machine
// lets it.
func mountDisk(t *testing.T, dir string, size int) bool {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Logf("mounting a disk: %v", err)
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting the disk: %v", err)
		}
	})
	return true
}
