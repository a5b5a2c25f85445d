package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// keptBackupJSON is a backup in the directory of a server, as data.
type keptBackupJSON struct {
	Name     string `json:"name"`
	Time     string `json:"time"`
	Revision string `json:"revision"`
	Bytes    uint64 `json:"bytes"`
	Suspect  bool   `json:"suspect,omitempty"`
	Fault    string `json:"fault,omitempty"`
}

func keptBackup(b *consolev1.Backup) item {
	d := keptBackupJSON{b.GetName(), b.GetTime().AsTime().Format(time.RFC3339), b.GetRevision(), b.GetBytes(), b.GetSuspect(), b.GetFault()}
	text := words(d.Name, d.Time, "revision "+d.Revision, sizeText(d.Bytes), map[bool]string{true: "suspect"}[d.Suspect], d.Fault)
	return item{text: text, cells: []string{d.Name, d.Time, d.Revision, fmt.Sprint(d.Bytes), fmt.Sprint(d.Suspect), d.Fault}, value: d}
}

var keptColumns = []string{"name", "time", "revision", "bytes", "suspect", "fault"}

func backupListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the backups in the directory of the server, the newest first",
		Long:  `Lists what the server that answers has in its --backup-dir, and says how the schedule there goes.`,
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.kept.ListBackups(c.Context(), &consolev1.ListBackupsRequest{})
				if err != nil {
					return err
				}
				if r.GetOff() != "" {
					return refusedf("%s", r.GetOff())
				}
				out := a.list(keptColumns...)
				for _, b := range r.GetBackups() {
					if err := out.add(keptBackup(b)); err != nil {
						return err
					}
				}
				if n := r.GetMoreBackups(); n > 0 {
					a.note("and %d more", n)
				}
				a.noteSchedule(r.GetSchedule())
				return out.close()
			})
		},
	}
}

// noteSchedule says how a schedule goes.
func (a *app) noteSchedule(s *consolev1.BackupSchedule) {
	switch {
	case s == nil:
	case s.GetLastRun() == nil:
		a.note("the schedule: %s", s.GetLastError())
	case s.GetOverdue():
		a.note("the schedule is overdue: its last run was at %s, one every %v", s.GetLastRun().AsTime().Format(time.RFC3339), s.GetEvery().AsDuration())
	case s.GetLastError() != "":
		a.note("the last run of the schedule, at %s, failed: %s", s.GetLastRun().AsTime().Format(time.RFC3339), s.GetLastError())
	default:
		a.note("the schedule runs next at %s", s.GetNextRun().AsTime().Format(time.RFC3339))
	}
}

func backupTakeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "take",
		Short: "Have the server write a backup into its directory",
		Long:  `Has the server that answers write a backup of the newest revision into its --backup-dir and verify it.`,
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				made, err := a.takeBackup(c.Context(), cl)
				if err != nil {
					return err
				}
				return a.one(keptColumns, keptBackup(made))
			})
		},
	}
}

func (a *app) takeBackup(ctx context.Context, cl *client) (*consolev1.Backup, error) {
	stream, err := cl.kept.TakeBackup(ctx, &consolev1.TakeBackupRequest{})
	if err != nil {
		return nil, err
	}
	bar := a.progress(-1, "writing")
	defer bar.finish()
	var made *consolev1.Backup
	done := uint64(0)
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return made, nil
		}
		if err != nil {
			return nil, err
		}
		made = m.GetBackup()
		now := m.GetRelationships() + m.GetDocuments()
		bar.add(int64(now - min(done, now)))
		done = now
	}
}

// verifyThere has the server verify backups in its directory.
func (a *app) verifyThere(ctx context.Context, cl *client, names []string) error {
	out := a.list("file", "revision", "relationships", "documents", "sealed", "error")
	bad := false
	for _, name := range names {
		last, err := verifyKept(ctx, cl, name)
		if err != nil {
			return errors.Join(err, out.close())
		}
		d := verifiedBackupJSON{File: name, Relationships: int64(last.GetRelationships()), Documents: int64(last.GetDocuments()), Error: strings.Join(last.GetFaults(), "\n")}
		text := fmt.Sprintf("%s holds %s and %s", name, counted(int(d.Relationships), "relationship"), counted(int(d.Documents), "document"))
		switch {
		case d.Error != "":
			bad, text = true, name+": "+d.Error
		case last.GetSealedUnopened():
			text += "; the sealed ones were not opened, as the server has no key that opens them"
		}
		if err := out.add(item{text: text, cells: []string{name, "", fmt.Sprint(d.Relationships), fmt.Sprint(d.Documents), "", d.Error}, value: d}); err != nil {
			return err
		}
	}
	if err := out.close(); err != nil {
		return err
	}
	if bad {
		return errNegative
	}
	return nil
}

func verifyKept(ctx context.Context, cl *client, name string) (*consolev1.VerifyBackupResponse, error) {
	stream, err := cl.kept.VerifyBackup(ctx, &consolev1.VerifyBackupRequest{Name: name})
	if err != nil {
		return nil, err
	}
	var last *consolev1.VerifyBackupResponse
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return nil, err
		}
		last = m
	}
}
