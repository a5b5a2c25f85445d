package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/store"
)

// backupServer has a schema, relationships and a document of each class.
func backupServer(t *testing.T, b server.Backups) (*harness, consolev1.BackupServiceClient) {
	t.Helper()
	h := start(t, func(c *server.Config) { c.Backups = b })
	h.writeSchema("use expiration\ndefinition user {}\ndefinition document {\n\trelation viewer: user | user with expiration\n}")
	h.write("document:a#viewer@user:anne", "document:a#viewer@user:bob", "document:a#viewer@user:carl[expiration:2026-01-02T03:04:06Z]")
	h.portalWrites(store.Transaction{
		Documents: []store.DocumentUpdate{{Key: "open/1", Class: store.ClassOpen, Value: []byte(`{"a":1}`)}},
		Records:   []store.ChainRecord{{Chain: "audit", Value: []byte(`1`)}, {Chain: "audit", Value: []byte(`2`)}},
	})
	return h, consolev1.NewBackupServiceClient(h.conn)
}

func take(ctx context.Context, t *testing.T, c consolev1.BackupServiceClient) (*consolev1.TakeBackupResponse, error) {
	t.Helper()
	stream, err := c.TakeBackup(ctx, &consolev1.TakeBackupRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return final(stream)
}

func verifyKept(t *testing.T, c consolev1.BackupServiceClient, name string) (*consolev1.VerifyBackupResponse, error) {
	t.Helper()
	stream, err := c.VerifyBackup(t.Context(), &consolev1.VerifyBackupRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return final(stream)
}

// final returns the last message of a stream.
func final[M any](stream grpc.ServerStreamingClient[M]) (last *M, err error) {
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

// TestTakeBackup takes backups, finds them in the list and verifies them, and sees
// that one is damaged.
func TestTakeBackup(t *testing.T) {
	dir := t.TempDir()
	h, c := backupServer(t, server.Backups{Dir: dir})
	h.clock.set(startOfTime.Add(time.Minute)) // carl's relationship has expired
	first, err := take(t.Context(), t, c)
	if err != nil || first.GetRelationships() != 2 || first.GetDocuments() != 3 || first.GetBackup().GetRevision() == "" {
		t.Fatal(first, err)
	}
	h.clock.set(startOfTime.Add(2 * time.Minute))
	second, err := take(t.Context(), t, c)
	if err != nil {
		t.Fatal(err)
	}
	name := second.GetBackup().GetName()
	head, end, err := backup.Verify(filepath.Join(dir, name), &backup.Reader{})
	if err != nil || end.Relationships != 2 || end.Documents != 3 || head.Revision != second.GetReadAt().GetToken() {
		t.Errorf("%+v, %+v, %v", head, end, err)
	}
	if got, err := verifyKept(t, c, name); err != nil || !got.GetDone() || len(got.GetFaults()) > 0 || got.GetRelationships() != 2 || got.GetDocuments() != 3 {
		t.Error(got, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		"damaged.backup":         strings.Replace(string(text), "anne", "ANNE", 1),
		"short.backup":           string(text[:strings.LastIndex(string(text), `{"relationships"`)]),
		"strange.backup":         strings.Replace(string(text), "pembaBackup\":3", "pembaBackup\":9", 1),
		"other.txt":              "other",
		"damaged.backup.suspect": "{}",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, says := range map[string]string{
		"damaged.backup": "checksum", "short.backup": "cut short", "strange.backup": "has format 9",
	} {
		got, err := verifyKept(t, c, file)
		if err != nil || !strings.Contains(strings.Join(got.GetFaults(), "\n"), says) {
			t.Errorf("%s: %v, %v", file, got, err)
		}
	}
	list, err := c.ListBackups(t.Context(), &consolev1.ListBackupsRequest{})
	if err != nil || len(list.GetBackups()) != 6 || list.GetDirectory() != dir || list.GetEncrypted() || list.GetOff() != "" {
		t.Fatal(list, err)
	}
	got := map[string]string{}
	for _, b := range list.GetBackups() {
		got[b.GetName()] = fmt.Sprint(b.GetSuspect(), b.GetFault())
	}
	if got[name] != "false" || got["damaged.backup.suspect"] != "trueits first line is not that of a backup" || got["other.txt"] != "" {
		t.Error(got)
	}
}

// TestTakeBackup_OneAtATime asks for a backup while another is being made.
func TestTakeBackup_OneAtATime(t *testing.T) {
	first, ready, goOn := true, make(chan struct{}), make(chan struct{})
	hold := grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		if !first {
			return next(srv, ss)
		}
		first = false // the others come when it is being made
		return next(srv, &heldStream{ss, ready, goOn})
	})
	dir := t.TempDir()
	h := start(t, func(c *server.Config) { c.Backups = server.Backups{Dir: dir} }, hold)
	h.writeSchema("definition user {}")
	c := consolev1.NewBackupServiceClient(h.conn)
	done := make(chan error)
	go func() {
		_, err := take(t.Context(), t, c)
		done <- err
	}()
	<-ready
	if _, err := take(t.Context(), t, c); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "another backup is being made") {
		t.Errorf("a second at the same time: %v", err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	h.clock.set(startOfTime.Add(time.Minute))
	if _, err := take(t.Context(), t, c); err != nil {
		t.Errorf("one after the other: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
}

// heldStream waits before its first message.
type heldStream struct {
	grpc.ServerStream
	ready, goOn chan struct{}
}

func (s *heldStream) SendMsg(m any) error {
	close(s.ready)
	<-s.goOn
	return s.ServerStream.SendMsg(m)
}

// TestTakeSealed needs a key for sealed documents, and opens them with it.
func TestTakeSealed(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := store.Transaction{Documents: []store.DocumentUpdate{{Key: "secret/1", Class: store.ClassSealed, Value: []byte(`{"of":"anne"}`)}}}
	dir := t.TempDir()
	h, c := backupServer(t, server.Backups{Dir: dir})
	h.portalWrites(sealed)
	if _, err := take(t.Context(), t, c); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "--backup-key") {
		t.Errorf("without a key: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("something is left: %v, %v", left, err)
	}
	whole := backup.Key{Secret: key, Public: key.Recipient().String()}
	for _, k := range []backup.Key{{Public: whole.Public}, whole} {
		dir := t.TempDir()
		h, c := backupServer(t, server.Backups{Dir: dir, Key: k})
		h.portalWrites(sealed)
		made, err := take(t.Context(), t, c)
		if err != nil || made.GetDocuments() != 4 {
			t.Fatal(made, err)
		}
		name := made.GetBackup().GetName()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.Contains(string(text), `"of"`) {
			t.Error("a sealed document is not encrypted", err)
		}
		got, err := verifyKept(t, c, name)
		if err != nil || len(got.GetFaults()) > 0 || got.GetSealedUnopened() == (k.Secret != nil) || got.GetDocuments() != 4 {
			t.Error(got, err)
		}
		if _, end, err := backup.Verify(filepath.Join(dir, name), &backup.Reader{Key: whole}); err != nil || end.Sealed != 1 {
			t.Error(end, err)
		}
		if list, err := c.ListBackups(t.Context(), &consolev1.ListBackupsRequest{}); err != nil || !list.GetEncrypted() {
			t.Error(list, err)
		}
	}
}

// TestBackupsElsewhere reads nothing but what lies in the directory.
func TestBackupsElsewhere(t *testing.T) {
	dir := t.TempDir()
	_, c := backupServer(t, server.Backups{Dir: dir})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.backup")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]codes.Code{
		"link.backup": codes.InvalidArgument, "dir.backup": codes.InvalidArgument, "none.backup": codes.NotFound, "a/b.backup": codes.InvalidArgument,
	} {
		if _, err := verifyKept(t, c, name); status.Code(err) != code {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := c.ListBackups(t.Context(), &consolev1.ListBackupsRequest{})
	if err != nil || len(list.GetBackups()) != 0 {
		t.Error(list, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListBackups(t.Context(), &consolev1.ListBackupsRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a directory that is gone: %v", err)
	}
	if _, err := take(t.Context(), t, c); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a directory that is gone: %v", err)
	}
}

// TestSchedule says how the schedule in the directory goes.
func TestSchedule(t *testing.T) {
	dir := t.TempDir()
	h, c := backupServer(t, server.Backups{Dir: dir})
	schedule := func() *consolev1.BackupSchedule {
		list, err := c.ListBackups(t.Context(), &consolev1.ListBackupsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return list.GetSchedule()
	}
	if s := schedule(); s != nil {
		t.Error(s)
	}
	if err := backup.WriteSchedule(dir, backup.Schedule{Every: "6h", Keep: 28, LastRun: startOfTime, LastError: "the server was away"}); err != nil {
		t.Fatal(err)
	}
	s := schedule()
	if s.GetKeep() != 28 || s.GetOverdue() || !s.GetNextRun().AsTime().Equal(startOfTime.Add(6*time.Hour)) || s.GetLastError() != "the server was away" {
		t.Error(s)
	}
	h.clock.set(startOfTime.Add(7 * time.Hour))
	if s := schedule(); !s.GetOverdue() {
		t.Error(s)
	}
	if err := os.WriteFile(filepath.Join(dir, "pemba-schedule.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := schedule(); s.GetLastError() == "" || s.GetOverdue() {
		t.Error(s)
	}
}
