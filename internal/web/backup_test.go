package web_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// someBackups are the backups of the host in all tests: an intact one, and a damaged one. Their texts
// contain markup and hidden characters, as a hostile file could.
var someBackups = []left4me.Backup{
	{
		Name: "b", CreatedAt: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Bytes: 1_500_000, Stored: 9_000_000, Files: 12,
		State:      left4me.BackupVerified,
		VerifiedAt: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Scheduled: true, Warnings: []string{"runtime/a/upper/<b>\u202e: not read"},
	},
	{Name: "c", State: left4me.BackupDamaged, Damage: []string{"\"<script>\" is missing"}},
}

func TestBackupsPageListsBackups(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	page := b.get("/backups")
	page.has(t, http.StatusOK, "Verified", "1.5 MB", "12 files, 9.0 MB unpacked", "Scheduled backup, last checked 2026-03-05", "1 warning",
		"&lt;b&gt;‹202E›",
		"&lt;script&gt;", `href="/backups/b/file"`, "/backups/b.tar.zst --force", `value="04:30"`, `value="yes" checked`)
	page.hasNot(t, "<script>\"")
	b.post("/backups").has(t, http.StatusSeeOther)
	b.get("/backups").has(t, http.StatusOK, "Create backup on local", `http-equiv="refresh"`)
	b.get("/jobs").has(t, http.StatusOK, "Create backup", `href="/backups"`)
	b.get("/backups/nobody/delete").has(t, http.StatusNotFound)
}

func TestBackupDeletionRequiresName(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.get("/backups/b/delete").has(t, http.StatusOK, "Type <code>b</code>")
	b.post("/backups/b/delete", "confirm", "c").has(t, http.StatusUnprocessableEntity, "The name does not match")
	if s.host.dropped.Load() {
		t.Fatal("the backup was deleted without its name")
	}
	b.post("/backups/b/delete", "confirm", "b").has(t, http.StatusSeeOther)
	if !s.host.dropped.Load() {
		t.Error("the backup was not deleted")
	}
}

func TestBackupScheduleIsSavedAndChecked(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.post("/backups/policy", "enabled", "yes", "at", "25:00", "daily", "many", "weekly", "1").
		has(t, http.StatusUnprocessableEntity, "The value is not a number", `value="many"`)
	b.post("/backups/policy", "enabled", "yes", "at", "25:00", "daily", "1", "weekly", "1").
		has(t, http.StatusUnprocessableEntity, "is not a time of day")
	b.post("/backups/policy", "at", "05:15", "daily", "1", "weekly", "0").has(t, http.StatusSeeOther)
	page := b.get("/backups")
	page.has(t, http.StatusOK, `value="05:15"`)
	page.hasNot(t, `value="yes" checked`)
}

// longFile creates a sparse file of 1 TiB, whose download does not finish during a test.
func longFile(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(f.Truncate(1<<40), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A deleted user must not receive the rest of a download in progress.
func TestDownloadEndsWithSession(t *testing.T) {
	s := newSite(t, false)
	if err := os.Mkdir(s.backups.Dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	longFile(t, filepath.Join(s.backups.Dir(), "b.tar.zst"))
	s.on.AddUser(t, "zoey", true)
	b := s.as(t, "zoey")
	res := must(b.http.Do(must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/backups/b/file", nil))(t)))(t)
	defer res.Body.Close()
	if _, err := io.CopyN(io.Discard, res.Body, 1<<20); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %s, error %v", res.Status, err)
	}
	rest := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, res.Body)
		rest <- err
	}()
	admin := accounts.Actor{UserID: must(s.store.Users().Get(t.Context(), "admin"))(t).ID, Name: "admin", Admin: true}
	s.as(t, "guest").post("/account/signout") // ends sessions of another user
	select {
	case err := <-rest:
		t.Fatalf("the download ended with another user's session: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	must(s.accounts.DeleteUser(t.Context(), admin, "zoey"))(t)
	select {
	case err := <-rest:
		if err == nil {
			t.Error("the download ended without an error, like a complete one")
		}
	case <-time.After(patience):
		t.Error("the download did not end with its session")
		res.Body.Close()
		<-rest
	}
}
