package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// Backups say where this node keeps backups. The zero value: nowhere.
type Backups struct {
	Dir string     // must exist
	Key backup.Key // that sealed documents are encrypted to; its secret half verifies them
}

// backupDirectory is pemba.console.v1.BackupService; backup.go has the one of
// pemba.v1, by which backups are made elsewhere.
type backupDirectory struct {
	consolev1.UnimplementedBackupServiceServer
	*Server
}

const (
	maxBackups     = 1_000
	backupProgress = 50_000 // relationships and documents between two messages
)

const noBackups = "this node was not told where to keep backups: serve with --backup-dir DIR"

// directory returns where the backups are.
func (s *Server) directory() (string, error) {
	if s.config.Backups.Dir == "" {
		return "", status.Error(codes.FailedPrecondition, noBackups)
	}
	return s.config.Backups.Dir, nil
}

// ListBackups lists what the directory holds.
func (b *backupDirectory) ListBackups(context.Context, *consolev1.ListBackupsRequest) (*consolev1.ListBackupsResponse, error) {
	resp := &consolev1.ListBackupsResponse{
		Node: b.replica.Status().ID, Directory: b.config.Backups.Dir, Encrypted: b.config.Backups.Key.Public != "",
	}
	if resp.Directory == "" {
		resp.Off = noBackups
		return resp, nil
	}
	all, more, err := backup.List(resp.Directory, maxBackups)
	if err != nil {
		return nil, fileError(err)
	}
	resp.MoreBackups = uint32(more)
	for i := range all {
		resp.Backups = append(resp.Backups, backupMessage(&all[i]))
	}
	resp.Schedule, err = scheduleMessage(resp.Directory, b.now())
	return resp, err
}

func backupMessage(e *backup.Entry) *consolev1.Backup {
	return &consolev1.Backup{
		Name: e.Name, Bytes: uint64(e.Bytes), Time: fromTime(e.Time), Revision: e.Head.Name(), Cluster: e.Head.Cluster, Epoch: e.Head.Epoch,
		Suspect: e.Suspect, Fault: e.Fault,
	}
}

// scheduleMessage says how a schedule goes, nil when there is none. One that is a
// tenth of its time late, and a minute, is overdue.
func scheduleMessage(dir string, now time.Time) (*consolev1.BackupSchedule, error) {
	s, every, ok, err := backup.ReadSchedule(dir)
	if err != nil {
		return &consolev1.BackupSchedule{LastError: err.Error()}, nil // of what it says, and no reason to list nothing
	}
	if !ok {
		return nil, nil
	}
	next := s.LastRun.Add(every)
	return &consolev1.BackupSchedule{
		Every: durationpb.New(every), Keep: uint32(max(s.Keep, 0)), LastRun: fromTime(s.LastRun), NextRun: fromTime(next),
		LastError: s.LastError, Overdue: now.After(next.Add(every/10 + time.Minute)),
	}, nil
}

// TakeBackup writes a backup into the directory.
func (b *backupDirectory) TakeBackup(_ *consolev1.TakeBackupRequest, out grpc.ServerStreamingServer[consolev1.TakeBackupResponse]) error {
	dir, err := b.directory()
	if err != nil {
		return err
	}
	if !b.taking.TryLock() {
		return status.Error(codes.FailedPrecondition, "another backup is being made: wait until it is done")
	}
	defer b.taking.Unlock()
	snap, err := b.replica.Snapshot(out.Context(), replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return err
	}
	defer snap.Close()
	t := &backupTake{Server: b.Server, snap: snap, out: out}
	name := backup.NewName(dir, b.config.Now())
	if err := backup.Whole(name, t.write); err != nil {
		return fileError(err)
	}
	key := b.config.Backups.Key
	if _, _, err := backup.Verify(name, &backup.Reader{Key: key, Closed: key.Secret == nil, Each: out.Context().Err}); err != nil {
		if out.Context().Err() != nil {
			return out.Context().Err()
		}
		return errors.Join(status.Errorf(codes.DataLoss, "the backup was written and does not verify: it is kept as suspect: %v", err), backup.Suspect(name))
	}
	made, err := backup.Look(dir, filepath.Base(name))
	if err != nil {
		return fileError(err)
	}
	last := t.progress()
	last.Backup = backupMessage(&made)
	return out.Send(last)
}

// backupTake is one backup on its way.
type backupTake struct {
	*Server
	snap *replica.Snapshot
	out  grpc.ServerStreamingServer[consolev1.TakeBackupResponse]
	w    *backup.Writer
}

func (t *backupTake) progress() *consolev1.TakeBackupResponse {
	return &consolev1.TakeBackupResponse{
		Relationships: uint64(t.w.End.Relationships), Documents: uint64(t.w.End.Documents + t.w.End.Sealed), ReadAt: fromToken(t.snap.Token()),
	}
}

// each tells how far it is, now and then.
func (t *backupTake) each() error {
	if n := t.w.End.Relationships + t.w.End.Documents; n%backupProgress == 0 {
		return t.out.Send(t.progress())
	}
	return t.out.Context().Err()
}

// write writes everything that the snapshot has.
func (t *backupTake) write(f io.Writer) error {
	t.w = backup.NewWriter(f)
	t.w.Each = t.each
	current, err := t.snap.Schema()
	if err != nil {
		return err
	}
	st := t.replica.Status()
	head := backup.Head{
		Format: backup.Format, Revision: t.snap.Token(), Number: fmt.Sprint(t.snap.Revision()), Cluster: clusterName(st.Cluster), Epoch: st.Epoch,
		Time: t.config.Now().UTC().Format(time.RFC3339), Schema: current.Source(), BackupKey: t.config.Backups.Key.Public,
	}
	if err := t.w.Begin(head); err != nil {
		return err
	}
	if err := t.documents(); err != nil {
		return err
	}
	now := t.now()
	return t.w.Finish(func(yield func(engine.Relationship, error) bool) {
		for r, err := range t.snap.Relationships(t.out.Context(), store.Filter{}, nil) {
			if (err != nil || r.Trait.Alive(now)) && !yield(r, err) {
				return
			}
		}
	})
}

// documents writes the sealed documents, encrypted, and the open ones.
func (t *backupTake) documents() error {
	to, err := recipient(t.config.Backups.Key.Public)
	if err != nil {
		return err
	}
	e := &documentExport{ctx: t.out.Context(), snap: t.snap, send: func(page *pembav1.ExportDocumentsResponse) error {
		if err := t.w.Document(&backup.Line{Sealed: page.Sealed, Count: int64(page.SealedDocuments)}); err != nil {
			return err
		}
		for _, d := range page.Documents {
			if err := t.w.Document(&backup.Line{Document: &backup.Document{Key: d.Key, Chain: d.Chain, Value: d.Value}}); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := e.sealed(to); err != nil {
		return err
	}
	return e.open()
}

// VerifyBackup reads a backup to its end and judges it.
func (b *backupDirectory) VerifyBackup(r *consolev1.VerifyBackupRequest, out grpc.ServerStreamingServer[consolev1.VerifyBackupResponse]) error {
	if !backup.IsBackup(r.Name) {
		return invalid("%.200q is no name of a backup: ListBackups has them", r.Name)
	}
	dir, err := b.directory()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, r.Name)
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return status.Errorf(codes.NotFound, "there is no backup %q", r.Name)
	case err != nil:
		return fileError(err)
	case !info.Mode().IsRegular():
		return invalid("%q is no file", r.Name)
	}
	key := b.config.Backups.Key
	lines := &backup.Reader{Key: key, Closed: key.Secret == nil}
	lines.Each = func() error {
		if n := lines.Read.Relationships + lines.Read.Documents; n%backupProgress == 0 {
			return out.Send(&consolev1.VerifyBackupResponse{Relationships: uint64(lines.Read.Relationships), Documents: uint64(lines.Read.Documents)})
		}
		return out.Context().Err()
	}
	_, end, err := backup.Verify(path, lines)
	switch {
	case out.Context().Err() != nil:
		return out.Context().Err()
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return fileError(err)
	}
	last := &consolev1.VerifyBackupResponse{
		Relationships: uint64(max(end.Relationships, lines.Read.Relationships)), Documents: uint64(max(end.Documents, lines.Read.Documents) + end.Sealed),
		Done: true, SealedUnopened: end.Sealed > 0 && lines.Closed,
	}
	if err != nil {
		last.Faults = strings.Split(err.Error(), "\n")
	}
	return out.Send(last)
}

// fileError is what a caller is told about an error of the directory.
func fileError(err error) error {
	path := (*fs.PathError)(nil)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return status.Errorf(codes.ResourceExhausted, "there is no room for the backup: %v", err)
	case errors.As(err, &path):
		return status.Errorf(codes.FailedPrecondition, "the directory of backups: %v", err)
	}
	return err
}
