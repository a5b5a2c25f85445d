package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/backup"
)

// minEvery is how often backups are made at most.
const minEvery = time.Second

func backupScheduleCommand(a *app) *cobra.Command {
	var every time.Duration
	var keep int
	var key func() (backup.Key, error)
	c := &cobra.Command{
		Use:   "schedule DIR",
		Short: "Write a backup into a directory at once and then again and again",
		Long: `Runs until it is interrupted. It writes a backup at once and then one every --every,
named by the time, verifies each after writing, and keeps the --keep newest. A line of
its log says how each run went. A backup that does not verify is kept as NAME.suspect
(the last one only), and nothing is removed by a run that failed. With only the public
half of a key, sealed documents are not opened to verify them.

Exit codes: 0 the last run was good, 1 it failed.`,
		Example: "  pemba backup schedule /var/backups/pemba --every 6h --keep 28",
		Args:    exactly(1, "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if every < minEvery {
				return usagef("--every %v: it is at least %v", every, minEvery)
			}
			if keep < 1 {
				return usagef("--keep %d: at least 1 is kept", keep)
			}
			if _, err := a.target(); err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return cmp.Or(err, usagef("%s is no directory", args[0]))
			}
			k, err := key()
			if err != nil {
				return err
			}
			s := &backupSchedule{app: a, key: k, dir: args[0], keep: keep, log: newLogger(a.stderr, "info", "auto")}
			return s.run(c.Context(), every)
		},
	}
	c.Flags().DurationVar(&every, "every", 24*time.Hour, "time from the beginning of one backup to that of the next")
	key = backupKeyOf(c, "file with the key, or its public half, that sealed documents are encrypted to")
	c.Flags().IntVar(&keep, "keep", 7, "how many of the newest to keep")
	return c
}

// backupSchedule makes backups in one directory.
type backupSchedule struct {
	app  *app
	dir  string
	key  backup.Key
	keep int
	log  *slog.Logger
}

// run makes backups until ctx ends, and returns how the last one went.
func (s *backupSchedule) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		began := time.Now()
		err := s.once(ctx, began)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // what was interrupted is no failure
		}
		s.note(began, every, err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err != nil {
				return &coded{exitFailure, fmt.Errorf("the last backup failed: %w", err)}
			}
			return nil
		}
	}
}

// note writes beside the backups how the schedule goes.
func (s *backupSchedule) note(began time.Time, every time.Duration, failed error) {
	said := backup.Schedule{Every: every.String(), Keep: s.keep, LastRun: began.UTC()}
	if failed != nil {
		said.LastError = failed.Error()
	}
	if err := backup.WriteSchedule(s.dir, said); err != nil {
		s.log.Warn("what the schedule says of itself was not written", "error", err)
	}
}

// once makes a backup, verifies it and removes what is too old.
func (s *backupSchedule) once(ctx context.Context, now time.Time) error {
	name := backup.NewName(s.dir, now)
	var done backupJSON
	err := s.app.withClient(ctx, func(cl *client) error {
		var err error
		done, err = s.app.createBackup(ctx, cl, name, "", s.key)
		return err
	})
	if err == nil {
		if _, _, err = backup.Verify(name, &backup.Reader{Key: s.key, Closed: s.key.Secret == nil}); err != nil {
			err = errors.Join(fmt.Errorf("it does not verify: %w", err), backup.Suspect(name))
		}
	}
	removed := 0
	if err == nil {
		removed, err = backup.Prune(s.dir, s.keep)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("the backup failed", "file", name, "took", time.Since(now).Round(time.Millisecond).String(), "error", err)
		}
		return err
	}
	s.log.Info("backup", "file", name, "revision", done.Revision, "relationships", done.Relationships, "documents", done.Documents, "sealed", done.Sealed,
		"took", time.Since(now).Round(time.Millisecond).String(), "removed", removed)
	return nil
}
