package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryBytes returns how much memory this process may use: what the machine
// has, or what its control groups (a container's limit, systemd's MemoryMax)
// leave of it; 1 GiB where nothing says.
func memoryBytes() int64 { return memoryIn(os.DirFS("/")) }

// memoryIn is memoryBytes with the files of a machine.
func memoryIn(root fs.FS) int64 {
	least := int64(0)
	lower := func(n int64, ok bool) {
		if ok && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	lower(machineMemory(root))
	for _, name := range memoryLimitFiles(root) {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue // the group is not mounted here, or has no such limit
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
		lower(n, err == nil) // "max" is no number
	}
	if least == 0 {
		return 1 << 30
	}
	return least
}

func machineMemory(root fs.FS) (int64, bool) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemTotal: %d kB", &kib); n == 1 {
			return kib << 10, true
		}
	}
	return 0, false
}

// memoryLimitFiles are the files in which the limits of this process's control
// groups stand, of both versions. A container sees its own group as the root; on
// a machine every group above counts too.
func memoryLimitFiles(root fs.FS) []string {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var files []string
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		mount, file := "sys/fs/cgroup", "memory.max"
		switch controllers {
		case "": // version 2
		case "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			files = append(files, path.Join(mount, at, file))
			if at == "/" {
				break
			}
		}
	}
	return files
}
