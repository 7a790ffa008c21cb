package api_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestBackupsAreListedCreatedAndVerified(t *testing.T) {
	s := newSite(t)
	var all []apitype.Backup
	s.call(t, "GET", "/api/v1/backups", nil).into(t, &all)
	if len(all) != 1 || all[0].Name != "b" || all[0].State != left4me.BackupVerified || all[0].Damage == nil ||
		!all[0].VerifiedAt.IsZero() {
		t.Errorf("got %+v", all)
	}
	var j apitype.Job
	if a := s.call(t, "POST", "/api/v1/backups", nil); a.status != http.StatusAccepted {
		t.Errorf("got status %d: %s", a.status, a.body)
	} else if a.into(t, &j); j.Kind != left4me.CreateBackup || j.Target != left4me.LocalHost || j.By != "admin" {
		t.Errorf("got %+v", j)
	}
	if a := s.call(t, "POST", "/api/v1/backups/b/verify", nil); a.status != http.StatusAccepted {
		t.Errorf("got status %d: %s", a.status, a.body)
	} else if a.into(t, &j); j.Kind != left4me.VerifyBackup || j.Target != "b" {
		t.Errorf("got %+v", j)
	}
	if a := s.call(t, "DELETE", "/api/v1/backups/b", nil); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	for _, path := range []string{"DELETE /api/v1/backups/c", "POST /api/v1/backups/c/verify", "GET /api/v1/backups/c/file"} {
		method, path, _ := strings.Cut(path, " ")
		s.call(t, method, path, nil).problem(t, http.StatusNotFound)
	}
	s.call(t, "GET", "/api/v1/backups/..%2fx/file", nil).problem(t, http.StatusUnprocessableEntity, "path.name")
}

func TestBackupDownloadSupportsRanges(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(s.root, "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.tar.zst"), []byte("archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := s.call(t, "GET", "/api/v1/backups/b/file", nil)
	if a.status != http.StatusOK || string(a.body) != "archive" ||
		a.header.Get("Content-Disposition") != "attachment; filename=b.tar.zst" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got status %d: %s, %v", a.status, a.body, a.header)
	}
	header := http.Header{"Authorization": {"Bearer " + s.admin}, "Range": {"bytes=4-"}}
	if a := s.send(t, "GET", "/api/v1/backups/b/file", header, nil); a.status != http.StatusPartialContent || string(a.body) != "ive" {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

// A running download must end when its user is disabled or loses the right.
func TestDownloadEndsWhenAccessIsLost(t *testing.T) {
	for what, change := range map[string]string{"disabled": `{"disabled":true}`, "no longer an administrator": `{"admin":false}`} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t)
			zoey := s.token(t, "zoey", true)
			dir := filepath.Join(s.root, "backups")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			f := must(os.Create(filepath.Join(dir, "b.tar.zst")))(t)
			if err := errors.Join(f.Truncate(1<<40), f.Close()); err != nil { // sparse, and too long to be sent during the test
				t.Fatal(err)
			}
			r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/backups/b/file", nil))(t)
			r.Header = bearer(zoey)
			resp := must(http.DefaultClient.Do(r))(t)
			defer resp.Body.Close()
			if _, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("got %s, error %v", resp.Status, err)
			}
			rest := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, resp.Body)
				rest <- err
			}()
			if a := s.call(t, "PATCH", "/api/v1/users/zoey", change); a.status != http.StatusOK {
				t.Errorf("got status %d: %s", a.status, a.body)
			}
			select {
			case err := <-rest:
				if err == nil {
					t.Error("the download ended without an error")
				}
			case <-time.After(patience):
				t.Error("the download did not end")
				resp.Body.Close()
				<-rest
			}
		})
	}
}

func TestBackupPolicyIsSavedAndChecked(t *testing.T) {
	s := newSite(t)
	var p apitype.BackupPolicy
	s.call(t, "GET", "/api/v1/backup-policy", nil).into(t, &p)
	if want := (apitype.BackupPolicy{Enabled: true, At: "04:30", Daily: 7, Weekly: 4}); p != want {
		t.Errorf("got %+v", p)
	}
	want := apitype.BackupPolicy{Enabled: true, At: "23:59", Daily: 1}
	if a := s.call(t, "PUT", "/api/v1/backup-policy", want); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", "/api/v1/backup-policy", nil).into(t, &p)
	if p != want {
		t.Errorf("got %+v", p)
	}
	s.call(t, "PUT", "/api/v1/backup-policy", apitype.BackupPolicy{Enabled: true, At: "noon", Daily: -1}).problem(t,
		http.StatusUnprocessableEntity, "body.at", "body.daily")
}
