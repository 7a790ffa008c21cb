package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

// files are what there is on the shelf, without their ends.
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

// After left4me was killed while it made a backup, its successor makes that one,
// and leaves nothing else; a server writes all the while.
func TestKilledDuringABackup(t *testing.T) {
	s := stage.New(t, 32820, "SIM_PLAYERS=4", "SIM_TEMPO=20")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	noise := make([]byte, 120<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(noise)
	if err := os.WriteFile(filepath.Join(s.Root, "runtime/alpha/upper/noise"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	for n, after := range moments(0, 500*time.Millisecond, 6) {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			var job stage.Job
			s.Must(t, "POST", "/backups", nil, &job)
			wait := time.NewTimer(after)
			<-wait.C // the moment is what is tested, not something to happen
			s.Kill()
			s.Serve(t)
			if job = s.Ended(t, job.ID); job.State != "done" {
				t.Errorf("%+v", job)
			}
			archives, others := files(t, s)
			if len(archives) != n+1 || len(others) > 0 {
				t.Errorf("archives %q, and %q", archives, others)
			}
			var all []struct{ Name, State string }
			s.Must(t, "GET", "/backups", nil, &all)
			for _, b := range all {
				if b.State != "verified" {
					t.Errorf("%+v", b)
				}
			}
		})
	}
	s.Done(t, "delete", "alpha")
}

// A backup that is cancelled leaves nothing, and the next one is whole.
func TestACancelledBackupLeavesNothing(t *testing.T) {
	s := stage.New(t, 32840, "SIM_PLAYERS=0")
	s.Serve(t)
	if err := os.MkdirAll(filepath.Join(s.Root, "runtime/alpha/upper"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(s.Root, "runtime/alpha/upper/long"))
	if err == nil {
		err = f.Truncate(100 << 30)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	free := filepath.Join(s.Root, "backups")
	if err := os.MkdirAll(free, 0o700); err != nil {
		t.Fatal(err)
	}
	// What the last one came to says that so many zeros have room.
	note := `{"name":"old","created_at":"2020-01-01T00:00:00Z","bytes":1,"stored":1000000000,"files":1,"state":"verified"}`
	for name, text := range map[string]string{"old.json": note, "old.tar.zst": "x"} {
		if err := os.WriteFile(filepath.Join(free, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var job stage.Job
	s.Must(t, "POST", "/backups", nil, &job)
	stage.Until(t, "it packs", func() bool {
		parts, _ := filepath.Glob(filepath.Join(free, "*.part"))
		return len(parts) == 1
	})
	begin := time.Now()
	s.Must(t, "POST", "/jobs/"+job.ID+"/cancel", nil, nil)
	if job = s.Ended(t, job.ID); job.State != "cancelled" {
		t.Errorf("%+v", job)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s to cancel", took)
	}
	if archives, others := files(t, s); len(archives) != 1 || len(others) > 0 {
		t.Errorf("archives %q, and %q", archives, others)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	s.Must(t, "POST", "/backups", nil, &job)
	if job = s.Ended(t, job.ID); job.State != "done" {
		t.Errorf("%+v", job)
	}
}
