package mountinfo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk/disktest"
)

func TestMountPointsAreUnescaped(t *testing.T) {
	long := strings.Repeat(",lowerdir+=/var/lib/left4me/overlays/"+strings.Repeat("x", 130), 500)
	table := "22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw\n" +
		`792 291 0:100 / /tmp/at\040#\011\012\134\040x rw,relatime - overlay none ro` + long + "\n" +
		`40 22 8:1 /a\040b /mnt/a\134040b rw shared:1 - ext4 /dev/sda1 rw` + "\n" +
		"41 22 8:1 / /mnt/ä\\9 rw\n" + "\n" + "42 22 8:1 / /cut"
	want := []string{"/sys", "/tmp/at #\t\n\\ x", `/mnt/a\040b`, `/mnt/ä\9`}
	if got := parse(table); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSelfListsOwnMounts(t *testing.T) {
	disktest.OnSmall(t, "1m", func(t *testing.T, dir string) {
		at := filepath.Join(dir, "a b\tc\\040\n#ü")
		disktest.Mount(t, at, "64k", 0o755)
		for what, read := range map[string]func() ([]string, error){
			"self": Self,
			"pid":  func() ([]string, error) { return Of(os.Getpid()) },
		} {
			if points, err := read(); err != nil || !slices.Contains(points, at) || !slices.Contains(points, dir) {
				t.Errorf("%s: %q, %v", what, points, err)
			}
		}
		if err := unix.Unmount(at, 0); err != nil {
			t.Fatal(err)
		}
		if points, err := Self(); err != nil || slices.Contains(points, at) {
			t.Errorf("after the unmount: %q, %v", points, err)
		}
	})
}

func TestUnderIncludesDirectoryItself(t *testing.T) {
	for point, want := range map[string]bool{"/a/b": true, "/a/b/c": true, "/a/bc": false, "/a": false} {
		if Under(point, "/a/b") != want {
			t.Errorf("%s: got %v", point, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Add(`1 2 3:4 / /a\040 rw` + "\n" + `1 2 3:4 / \999 rw` + "\n" + `1 2 3:4 / \1`)
	f.Fuzz(func(t *testing.T, table string) {
		points := parse(table)
		if n := strings.Count(table, "\n") + 1; len(points) > n {
			t.Errorf("got %d mount points from %d lines", len(points), n)
		}
		for _, p := range points {
			if len(p) > len(table) {
				t.Errorf("%q is longer than the table", p)
			}
		}
	})
}
