package store

import "syscall"

// Space returns how many bytes may still be written to the disk, and its size; 0
// of 0 for a store in memory.
func (s *Store) Space() (free, total uint64, err error) {
	if s.dir == nil {
		return 0, 0, nil
	}
	return s.config.Disk(s.dir.path)
}

// checkSpace returns a *DiskFullError when less than need is free.
func (s *Store) checkSpace(need uint64) error {
	free, total, err := s.Space()
	if err != nil {
		return err
	}
	if total > 0 && free < need {
		return &DiskFullError{Dir: s.dir.path, Free: free, Need: need}
	}
	return nil
}

func diskOf(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, describe(dir, err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}
