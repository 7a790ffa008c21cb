package shim

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func TestServerHasOneLock(t *testing.T) {
	run := t.TempDir()
	first, err := Lock(run, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(run, "alpha"); !errors.Is(err, ErrSecond) {
		t.Errorf("second lock: got %v, want ErrSecond", err)
	}
	if other, err := Lock(run, "beta"); err != nil {
		t.Errorf("lock of another server: %v", err)
	} else {
		other.Close()
	}
	if _, ok := Shim(run, "alpha"); ok {
		t.Error("a process that only holds the lock counts as a shim")
	}
	first.Close()
	shim, err := Hold(run, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if pid, ok := Shim(run, "alpha"); !ok || pid != os.Getpid() {
		t.Errorf("Shim = %d, %v, want this process", pid, ok)
	}
	if err := Forget(instance.Root(run), run, "alpha"); !errors.Is(err, ErrSecond) {
		t.Errorf("Forget with a running shim: got %v, want ErrSecond", err)
	}
	shim.Close()
	if _, ok := Shim(run, "alpha"); ok {
		t.Error("a process ID in the lock without a holder counts as a shim")
	}
}

func TestLockHasOneHolderWhileFileIsRemoved(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(32)) // more interleavings between two system calls
	run := t.TempDir()
	var holders atomic.Int32
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for range 1000 {
				f, err := Lock(run, "alpha")
				if errors.Is(err, ErrSecond) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n > 1 {
					t.Errorf("%d goroutines hold the lock", n)
				}
				for range 50 {
					runtime.Gosched() // long enough for another goroutine to find the lock held
				}
				holders.Add(-1)
				_ = os.Remove(lockPath(run, "alpha")) // the lock no longer excludes anyone
				f.Close()
			}
		})
	}
	group.Wait()
}

func TestFailureIsStoredUntilForget(t *testing.T) {
	run := t.TempDir()
	if _, ok := LastFailure(run, "alpha"); ok {
		t.Error("a server that never ran has a failure")
	}
	lock, err := Lock(run, "alpha") // a failing shim holds it
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	rememberFailure(run, "alpha",
		&left4me.Error{Kind: left4me.Conflict, Field: "port", Text: "taken", Hint: "another", Err: errors.New("inner")})
	f, ok := LastFailure(run, "alpha")
	if !ok || f.Error.Text != "taken" || f.Error.Kind != left4me.Conflict || f.Error.Err != nil || f.At.IsZero() || f.GaveUp {
		t.Errorf("LastFailure = %+v, %v", f, ok)
	}
	rememberFailure(run, "alpha", errors.New("plain"))
	if f, _ := LastFailure(run, "alpha"); f.Error.Text != "plain" || f.Error.Kind != left4me.Internal ||
		strings.Contains(f.Reason().Error(), "plain") {
		t.Errorf("failure without a public error: %+v", f)
	}
	if err := os.WriteFile(failurePath(run, "alpha"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, ok := LastFailure(run, "alpha"); !ok || f.Error.Text == "" {
		t.Errorf("failure from a corrupt file: %+v, %v", f, ok)
	}
	if err := Forget(instance.Root(run), run, "alpha"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(run); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestNotifierSendsStateToSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	for _, address := range []string{path, "@left4me-test-" + filepath.Base(filepath.Dir(path)) + t.Name()} {
		name := address
		if name[0] == '@' {
			name = "\x00" + name[1:]
		}
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		notifier{address}.send("READY=1", "STATUS=well")
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		var buf [100]byte
		n, err := l.Read(buf[:])
		if err != nil || string(buf[:n]) != "READY=1\nSTATUS=well" {
			t.Errorf("socket %s: received %q, %v", address, buf[:n], err)
		}
		l.Close()
	}
	notifier{}.send("READY=1") // without systemd
}

func TestOldCrashRecordsAreRemovedAboveLimit(t *testing.T) {
	logs, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	at := time.UnixMilli(1_800_000_000_000)
	for i := range keepCrash + 5 {
		if err := writeCrash(logs, crashRecord{At: at.Add(time.Duration(i) * time.Second), Exit: "exit status 1"}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(logs.Name(), "crashes"))
	if err != nil || len(files) != keepCrash || files[0].Name() != "1800000005000.json" {
		t.Errorf("%d files, %v, %v", len(files), files, err)
	}
}

func TestGameEnvironmentHasNoSecrets(t *testing.T) {
	env := strings.Join(gameEnv([]string{"LEFT4ME_SECRET_KEY=x", "NOTIFY_SOCKET=y", "HOME=/home/u", "LANG=de_DE.UTF-8", "SIM_SEED=1"},
		"/r/merged"), "\n")
	for _, want := range []string{
		"HOME=/r/home", "LANG=de_DE.UTF-8", "SIM_SEED=1", "LD_LIBRARY_PATH=/r/merged:/r/merged/bin", "TZ=UTC",
		"PATH=",
	} {
		if !strings.Contains(env, want) {
			t.Errorf("no %s in\n%s", want, env)
		}
	}
	if strings.Contains(env, "SECRET") || strings.Contains(env, "NOTIFY") {
		t.Errorf("too much in\n%s", env)
	}
}
