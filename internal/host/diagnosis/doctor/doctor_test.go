package doctor

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestDoctorWarnsOfLittleSpace(t *testing.T) {
	for _, tt := range []struct {
		bytes, inodes uint64
		counted       bool
		want          left4me.CheckState
	}{
		{100 << 30, 1_000_000, true, left4me.CheckOK},
		{5 << 30, 1_000_000, true, left4me.CheckWarn},
		{100 << 20, 1_000_000, true, left4me.CheckBroken},
		{100 << 30, 5_000, true, left4me.CheckWarn},
		{100 << 30, 10, true, left4me.CheckBroken},
		{100 << 30, 0, false, left4me.CheckOK}, // btrfs creates inodes as needed
	} {
		if c := spaceLeft(tt.bytes, tt.inodes, tt.counted); c.State != tt.want || (c.Mend == "") != (tt.want == left4me.CheckOK) {
			t.Errorf("%d bytes, %d inodes: %+v, want %s", tt.bytes, tt.inodes, c, tt.want)
		}
	}
}

func TestDoctorRequiresKernelVersion(t *testing.T) {
	for release, want := range map[string]left4me.CheckState{
		"6.1.0-18-amd64": left4me.CheckOK, "5.11": left4me.CheckOK, "10.0.1": left4me.CheckOK,
		"5.10.0-28-amd64": left4me.CheckBroken, "4.19.1": left4me.CheckBroken, "next": left4me.CheckWarn,
	} {
		if c := judgeKernel(release); c.State != want || !strings.Contains(c.Text, release) {
			t.Errorf("%s: %+v, want %s", release, c, want)
		}
	}
}

func TestRootDirectoryOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root may write to directories of other users, so run the test again as an ordinary user.
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Dir, cmd.Env = "/", []string{"TMPDIR=/tmp"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	if c := rootDirectory(Config{Root: "/"}); c.State != left4me.CheckBroken || !strings.Contains(c.Text, "belongs to root") {
		t.Errorf("got %+v", c)
	}
}

func TestPortInUseIsReported(t *testing.T) {
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	port := c.LocalAddr().(*net.UDPAddr).Port
	if got := ports(Config{Low: port, High: port}); got.State != left4me.CheckBroken || !strings.Contains(got.Mend, "LEFT4ME_PORT_RANGE") {
		t.Errorf("got %+v", got)
	}
}

func TestRootDirectoryChecks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]left4me.CheckState{
		dir: left4me.CheckOK, filepath.Join(dir, "a", "b"): left4me.CheckOK, file: left4me.CheckBroken,
		filepath.Join(file, "x"): left4me.CheckBroken, open: left4me.CheckBroken,
	} {
		if c := rootDirectory(Config{Root: path}); c.State != want {
			t.Errorf("%s: %+v, want %s", path, c, want)
		}
	}
}

func TestRefusedMountIsExplained(t *testing.T) {
	cfg := Config{Systemd: errors.New("none")}
	for _, c := range []left4me.Check{
		refusal(cfg, probe{Error: "mount probe: create: invalid argument"}, nil, "/srv"),
		refusal(cfg, probe{}, errors.New("operation not permitted"), "/srv"),
	} {
		if c.State != left4me.CheckBroken || c.Text == "" || strings.HasSuffix(c.Text, ": ") {
			t.Errorf("got %+v", c)
		}
	}
}

func TestOverlayCheckLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	checks := tryOverlay(t.Context(), Config{Root: dir, Exe: "/bin/false", Systemd: errors.New("none")})
	if len(checks) != 1 || checks[0].State != left4me.CheckBroken {
		t.Errorf("got %+v, want a failed check for a program that fails", checks)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

// The owner of the root may replace the directory of the check with another one that contains
// symbolic links. The check may run as root, so it must not write through those links.
func TestOverlayCheckFollowsNoLinks(t *testing.T) {
	dir, theirs := t.TempDir(), t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	base := filepath.Join(theirs, "installation", "base")
	err := errors.Join(os.WriteFile(secret, []byte("secret"), 0o640), os.MkdirAll(base, 0o755),
		os.Symlink(secret, filepath.Join(base, "file")))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var owner sync.WaitGroup
	owner.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			found, _ := filepath.Glob(filepath.Join(dir, ".doctor-*"))
			for _, f := range found {
				if os.Rename(f, filepath.Join(dir, "away-"+strconv.Itoa(i))) == nil {
					_ = os.Symlink(theirs, f)
				}
			}
		}
	})
	for range 200 {
		tryOverlay(t.Context(), Config{Root: dir, Exe: "/bin/false", Systemd: errors.New("none")})
	}
	close(done)
	owner.Wait()
	if b, err := os.ReadFile(secret); err != nil || string(b) != "secret" {
		t.Errorf("a file outside the root is now %q, %v", b, err)
	}
}
