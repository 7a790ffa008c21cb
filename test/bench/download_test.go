//go:build bench

package bench

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/content/download"
)

// TestDownload downloads 1 GB over loopback, to the disk and to memory, and compares it with curl.
// left4me also inspects the beginning of the file, saves enough state to resume, and syncs the file
// before it reports success. curl does not sync, so it is also measured together with `sync`.
func TestDownload(t *testing.T) {
	const size = 1 << 30
	from := t.TempDir()
	f, err := os.Create(filepath.Join(from, "item.vpk"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, io.LimitReader(rand.NewChaCha8([32]byte{1}), size)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	server := httptest.NewServer(http.FileServer(http.Dir(from)))
	defer server.Close()
	address := server.URL + "/item.vpk"
	c, err := download.New(download.Options{Allow: []string{server.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, place := range []struct{ what, in string }{{"disk", ""}, {"memory", "/dev/shm"}} {
		dir, err := os.MkdirTemp(place.in, "left4me-bench")
		if err != nil {
			t.Skip(err)
		}
		defer os.RemoveAll(dir)
		to := filepath.Join(dir, "to")
		runs := map[string]func() error{
			"left4me": func() error {
				_, err := c.Fetch(t.Context(),
					download.Request{URL: address, File: to, Size: size, Head: func([]byte) error { return nil }})
				return err
			},
			"left4me, with a SHA-256 sum": func() error {
				_, err := c.Fetch(t.Context(),
					download.Request{URL: address, File: to, Size: size, Sum: sumOf(t, filepath.Join(from, "item.vpk"))})
				return err
			},
			"curl":          func() error { return exec.Command("curl", "-s", "-o", to, address).Run() },
			"curl and sync": func() error { return exec.Command("sh", "-c", `curl -s -o "$0" "$1" && sync "$0"`, to, address).Run() },
		}
		took := map[string][]time.Duration{}
		for range 5 {
			for name, run := range runs {
				os.Remove(to)
				_ = exec.Command("sync").Run()
				began := time.Now()
				if err := run(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				took[name] = append(took[name], time.Since(began))
			}
		}
		for _, name := range []string{"left4me", "left4me, with a SHA-256 sum", "curl", "curl and sync"} {
			m := median(took[name])
			t.Logf("%s: %-28s %8s  %4.0f MB/s  %.2f of curl, %.2f of curl and sync", place.what, name, m.Round(time.Millisecond),
				size/1e6/m.Seconds(),
				median(took["curl"]).Seconds()/m.Seconds(), median(took["curl and sync"]).Seconds()/m.Seconds())
		}
	}
}

var sums = map[string]string{}

func sumOf(t *testing.T, file string) string {
	t.Helper()
	if sums[file] == "" {
		out, err := exec.Command("sha256sum", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		sums[file] = "sha256:" + string(out[:64])
	}
	return sums[file]
}
