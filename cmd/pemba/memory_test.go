package main

import (
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	const machine = "MemTotal:        8388608 kB\nMemFree:          1 kB\n"
	for _, c := range []struct {
		what  string
		files map[string]string
		want  int64
	}{
		{"nothing says", nil, 1 << 30},
		{"no limit", map[string]string{"proc/meminfo": machine}, 8 << 30},
		{"a container", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2147483648\n",
		}, 2 << 30},
		{"a container without a limit", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n",
		}, 8 << 30},
		{"a unit", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/system.slice/pemba.service\n",
			"sys/fs/cgroup/system.slice/pemba.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":               "4294967296\n",
		}, 4 << 30},
		{"version 1", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, 1 << 30},
		{"version 1 without a limit", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 8 << 30},
		{"what cannot be read", map[string]string{
			"proc/meminfo": "MemTotal: lots\n", "proc/self/cgroup": "\n::\n0::/../..\n", "sys/fs/cgroup/memory.max": "-7",
		}, 1 << 30},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memoryIn(root); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.what, got, c.want)
		}
	}
}
