package doctor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpaceIsJudged(t *testing.T) {
	for _, tt := range []struct {
		bytes, inodes uint64
		counted       bool
		want          State
	}{
		{100 << 30, 1_000_000, true, OK},
		{5 << 30, 1_000_000, true, Warn},
		{100 << 20, 1_000_000, true, Broken},
		{100 << 30, 5_000, true, Warn},
		{100 << 30, 10, true, Broken},
		{100 << 30, 0, false, OK}, // btrfs makes inodes as it needs them
	} {
		if c := spaceLeft(tt.bytes, tt.inodes, tt.counted); c.State != tt.want || (c.Mend == "") != (tt.want == OK) {
			t.Errorf("%d bytes, %d inodes: %+v, want %s", tt.bytes, tt.inodes, c, tt.want)
		}
	}
}

func TestTakenPortIsSeen(t *testing.T) {
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	port := c.LocalAddr().(*net.UDPAddr).Port
	if got := ports(port, port); got.State != Broken || !strings.Contains(got.Mend, "LEFT4ME_PORT_RANGE") {
		t.Errorf("%+v", got)
	}
}

func TestRootDirectoryIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]State{
		dir: OK, filepath.Join(dir, "a", "b"): OK, file: Broken, filepath.Join(file, "x"): Broken, open: Broken,
	} {
		if c := rootDirectory(path); c.State != want {
			t.Errorf("%s: %+v, want %s", path, c, want)
		}
	}
}

func TestRefusalOfAMountIsExplained(t *testing.T) {
	for _, c := range []Check{
		refusal(probe{Error: "mount probe: create: invalid argument"}, nil, "/srv"),
		refusal(probe{}, errors.New("operation not permitted"), "/srv"),
	} {
		if c.State != Broken || c.Text == "" || strings.HasSuffix(c.Text, ": ") {
			t.Errorf("%+v", c)
		}
	}
}

func TestTryLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	checks := tryOverlay(t.Context(), Config{Root: dir, Exe: "/bin/false", Systemd: errors.New("none")})
	if len(checks) != 1 || checks[0].State != Broken {
		t.Errorf("a program that fails is taken for one that mounted: %+v", checks)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
