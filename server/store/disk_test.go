package store

import (
	"os"
	"syscall"
)

// blocks returns the bytes that a file takes on the disk.
func blocks(info os.FileInfo) float64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return float64(st.Blocks) * 512
	}
	return float64(info.Size())
}
