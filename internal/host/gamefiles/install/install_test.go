package install

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

func TestFollowReadsToTheResult(t *testing.T) {
	name := filepath.Join(t.TempDir(), "progress.ndjson")
	tell, err := newReporter(name)
	if err != nil {
		t.Fatal(err)
	}
	tell.startStep(left4me.StepDownload)
	tell.event(steamcmd.Event{Step: left4me.StepDownload, Line: "half " + strings.Repeat("x", 3*maxLog)})
	tell.event(steamcmd.Event{Step: left4me.StepDownload, Progress: left4me.Progress{Done: 1, Total: 2, Unit: "bytes"}})
	// A line truncated by a kill, and a line longer than any that the program writes.
	for _, junk := range []string{"{\"step\":\"x\n", strings.Repeat("y", 3*maxLine) + "\n"} {
		if _, err := tell.file.WriteString(junk); err != nil {
			t.Fatal(err)
		}
	}
	lines, asked := 0, 0
	result, err := Follow(t.Context(), name, func(context.Context) (bool, error) {
		if asked++; asked == 2 {
			return false, tell.result(Result{Build: 9})
		}
		return true, nil
	}, func(Line) { lines++ })
	if err != nil || result == nil || result.Build != 9 {
		t.Fatalf("got %+v, %v", result, err)
	}
	if lines != 4 {
		t.Errorf("got %d lines, want 4", lines)
	}
}

func TestFollowWithoutProgressFile(t *testing.T) {
	result, err := Follow(t.Context(), filepath.Join(t.TempDir(), "none"), func(context.Context) (bool, error) { return false, nil },
		func(Line) {})
	if err != nil || result != nil {
		t.Errorf("got %+v, %v", result, err)
	}
	broken := errors.New("broken")
	if _, err := Follow(t.Context(), "none", func(context.Context) (bool, error) { return false, broken }, func(Line) {}); !errors.Is(err,
		broken) {
		t.Errorf("got %v", err)
	}
}

func TestProgressFileIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "progress.ndjson")
	tell, err := newReporter(name)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * maxReport / maxLog {
		tell.event(steamcmd.Event{Line: strings.Repeat("x", maxLog)})
	}
	if err := tell.result(Result{Build: 9}); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(name)
	if err != nil || st.Size() > maxReport+8<<10 {
		t.Errorf("%d bytes, %v", st.Size(), err)
	}
	result, err := Follow(t.Context(), name, func(context.Context) (bool, error) { return false, nil }, func(Line) {})
	if err != nil || result == nil {
		t.Errorf("the result was not read: %v", err)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-25T01:00:00Z","step":"download"}`))
	f.Add([]byte(`{"progress":{"done":-1,"total":5,"unit":"bytes"}}`))
	f.Add([]byte(`{"result":{"build":9,"error":{"kind":"busy","text":"x"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := parseLine(b)
		if !ok {
			return
		}
		if p := l.Progress; p != nil && (p.Done < 0 || p.Total < 0) {
			t.Errorf("got %+v", p)
		}
		if _, err := json.Marshal(l); err != nil {
			t.Skip() // a year outside the range of RFC 3339
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"x","validate":true}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		text, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseRequest(text); err != nil || again != r {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}

// SteamCMD can write to the directory of the file.
func TestFollowRefusesSpecialFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(`{"result":{"build":7}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func(name string) error{
		"pipe":              func(name string) error { return unix.Mkfifo(name, 0o600) },
		"link to a secret":  func(name string) error { return os.Symlink(secret, name) },
		"link to /dev/zero": func(name string) error { return os.Symlink("/dev/zero", name) },
		"directory":         func(name string) error { return os.Mkdir(name, 0o700) },
	} {
		name := filepath.Join(t.TempDir(), "progress.ndjson")
		if err := put(name); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		go func() {
			_, err := Follow(t.Context(), name, func(context.Context) (bool, error) { return false, nil }, func(Line) {})
			failed <- err
		}()
		select {
		case err := <-failed:
			if err == nil {
				t.Errorf("%s was read", what)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: Follow did not return", what)
		}
	}
}

func TestFollowChecksEndlessWriter(t *testing.T) {
	name := filepath.Join(t.TempDir(), "progress.ndjson")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	line := []byte(`{"log":"` + strings.Repeat("x", 1<<10) + `"}` + "\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	_, err = Follow(ctx, name, func(context.Context) (bool, error) {
		if time.Since(begun) > aliveEvery {
			return false, errors.New("the disk is filling up")
		}
		_, err := out.Write(line)
		return true, err
	}, func(Line) {
		// Every line that is read causes another one.
		if ctx.Err() == nil {
			_, _ = out.Write(line)
		}
	})
	if err == nil || ctx.Err() != nil {
		t.Errorf("the process was not checked: %v", err)
	}
}
