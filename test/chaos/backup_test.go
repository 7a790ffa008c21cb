package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/test/stage"
)

// files returns the backup archives, and all other files next to them, without their extensions.
func files(t *testing.T, s *stage.Stage) (archives, others []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Root, "backups"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasSuffix(name, ".tar.zst"):
			archives = append(archives, name)
		case !strings.HasSuffix(name, ".tar.zst.sha256") && !strings.HasSuffix(name, ".json"):
			others = append(others, name)
		}
	}
	tmp, _ := filepath.Glob(filepath.Join(s.Root, "tmp", "backup-*"))
	return archives, append(others, tmp...)
}

// After left4me is killed during a backup, the next process completes that backup and leaves no
// partial files. A server writes files the whole time.
func TestBackupCompletesAfterKill(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 32820, "SIM_PLAYERS=4", "SIM_TEMPO=20")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	noise := make([]byte, 60<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(noise)
	if err := os.WriteFile(filepath.Join(s.Root, "runtime/alpha/upper/noise"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	for n, after := range moments(0, 300*time.Millisecond, 6) {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			var job stage.Job
			s.Must(t, "POST", "/backups", nil, &job)
			wait := time.NewTimer(after)
			<-wait.C // the delay itself is under test
			s.Kill()
			s.Serve(t)
			if job = s.Ended(t, job.ID); job.State != "done" {
				t.Errorf("got %+v", job)
			}
			archives, others := files(t, s)
			if len(archives) != n+1 || len(others) > 0 {
				t.Errorf("got archives %q and other files %q", archives, others)
			}
			var all []struct{ Name, State string }
			s.Must(t, "GET", "/backups", nil, &all)
			for _, b := range all {
				if b.State != "verified" {
					t.Errorf("got %+v", b)
				}
			}
		})
	}
	s.Done(t, "delete", "alpha")
}

// A cancelled backup leaves no files, and the next backup is complete.
func TestCancelledBackupLeavesNoFiles(t *testing.T) {
	s := stage.New(t, 32840, "SIM_PLAYERS=0")
	s.Serve(t)
	if err := os.MkdirAll(filepath.Join(s.Root, "runtime/alpha/upper"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(s.Root, "runtime/alpha/upper/long"))
	if err == nil {
		err = f.Truncate(1 << 30) // a longer hole is skipped, and packing would end too early
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	free := filepath.Join(s.Root, "backups")
	if err := os.MkdirAll(free, 0o700); err != nil {
		t.Fatal(err)
	}
	// The size of the last backup makes left4me expect that there is room for that many zeros.
	note := `{"name":"old","created_at":"2020-01-01T00:00:00Z","bytes":1,"stored":1000000000,"files":1,"state":"verified"}`
	for name, text := range map[string]string{"old.json": note, "old.tar.zst": "x"} {
		if err := os.WriteFile(filepath.Join(free, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var job stage.Job
	s.Must(t, "POST", "/backups", nil, &job)
	stage.Until(t, "the backup packs files", func() bool {
		parts, _ := filepath.Glob(filepath.Join(free, "*.part"))
		return len(parts) == 1
	})
	begin := time.Now()
	s.Must(t, "POST", "/jobs/"+job.ID+"/cancel", nil, nil)
	if job = s.Ended(t, job.ID); job.State != "cancelled" {
		t.Errorf("got %+v", job)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the cancellation took %s", took)
	}
	if archives, others := files(t, s); len(archives) != 1 || len(others) > 0 {
		t.Errorf("got archives %q and other files %q", archives, others)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	s.Must(t, "POST", "/backups", nil, &job)
	if job = s.Ended(t, job.ID); job.State != "done" {
		t.Errorf("got %+v", job)
	}
}

// A backup that was due while left4me was down is made at startup. Afterwards, old backups of the
// schedule are removed.
func TestMissedBackupIsMadeAndOldBackupsPruned(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 32860, "SIM_PLAYERS=0")
	db, err := store.Open(t.Context(), filepath.Join(s.Root, "left4me.db"))
	if err != nil {
		t.Fatal(err)
	}
	policy := left4me.BackupPolicy{Enabled: true, At: "04:30", BackupKeep: left4me.BackupKeep{Daily: 2}}
	err = db.Backups().SetPolicy(t.Context(), policy, time.Now().AddDate(0, 0, -3))
	db.Close()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.Root, "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, scheduled := range map[string]bool{
		"a-2020-01-01":     true,
		"b-2020-01-02":     true,
		"c-2020-01-03":     true,
		"asked-2020-01-01": false,
	} {
		note := fmt.Sprintf(`{"name":%q,"created_at":"%sT04:30:00Z","bytes":1,"state":"verified","scheduled":%v}`, name,
			name[len(name)-10:], scheduled)
		for suffix, text := range map[string]string{".json": note, ".tar.zst": "x"} {
			if err := os.WriteFile(filepath.Join(dir, name+suffix), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Serve(t)
	var names []string
	stage.Until(t, "the new backup and one old backup remain", func() bool {
		var all []struct{ Name string }
		s.Must(t, "GET", "/backups", nil, &all)
		names = nil
		for _, b := range all {
			names = append(names, b.Name)
		}
		return len(names) == 3 && strings.HasPrefix(names[0], "left4me-")
	})
	if names[1] != "c-2020-01-03" || names[2] != "asked-2020-01-01" {
		t.Errorf("got %q", names)
	}
}
