package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/pemba-authz/pemba/server"
)

// backups says where the node keeps backups, and names every fault.
func (f *serveFlags) backups() (server.Backups, error) {
	b := server.Backups{Dir: f.backupDir}
	var faults []error
	if f.backupDir != "" {
		if info, err := os.Stat(f.backupDir); err != nil {
			faults = append(faults, fmt.Errorf("--backup-dir: %w", err))
		} else if !info.IsDir() {
			faults = append(faults, fmt.Errorf("--backup-dir: %s is no directory", f.backupDir))
		}
	}
	if f.backupKey == "" {
		return b, errors.Join(faults...)
	}
	var err error
	if b.Key, err = readBackupKey(f.backupKey); err != nil {
		faults = append(faults, err)
	}
	return b, errors.Join(faults...)
}
