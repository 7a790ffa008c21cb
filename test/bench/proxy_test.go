//go:build bench

package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

// TestUploadThroughNginx uploads a file of 1 GB with the command line, directly to left4me and
// through nginx. The nginx has only the address of left4me configured, so it accepts bodies of at
// most 1 MiB.
func TestUploadThroughNginx(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is missing: apt-get install nginx")
	}
	s := stage.New(t, 28900)
	s.Serve(t)
	var token struct{ Token string }
	s.Must(t, "POST", "/users", map[string]any{"name": "bench", "password": "correct horse battery", "admin": true}, nil)
	s.Must(t, "POST", "/tokens", map[string]any{"label": "bench", "user": "bench"}, &token)
	s.Must(t, "POST", "/overlays", map[string]any{"name": "bench", "kind": "files"}, nil)
	file := filepath.Join(t.TempDir(), "noise.vpk")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range 1000 {
		_, _ = rand.Read(block)
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	proxy := nginx(t, s.Address)
	sent := regexp.MustCompile(`sent .* in ([0-9.]+m?s)`)
	push := func(address string) time.Duration {
		cmd := exec.Command(s.Left4me, "overlay", "push", "bench", file, "--exact", "--plan")
		cmd.Env = append(os.Environ(), "LEFT4ME_URL=http://"+address, "LEFT4ME_TOKEN="+token.Token, "NO_PROXY=*")
		var said bytes.Buffer
		cmd.Stderr = &said
		err := cmd.Run()
		m := sent.FindStringSubmatch(said.String())
		if m == nil {
			t.Fatalf("push to %s: %v\n%s", address, err, &said)
		}
		took, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return took
	}
	var direct, through []time.Duration
	for range 3 { // alternate, because the speed of the disk varies over time
		direct, through = append(direct, push(s.Address)), append(through, push(proxy))
	}
	slices.Sort(direct)
	slices.Sort(through)
	fmt.Printf("\n| 1 GB to | medians of three | all | ratio | wanted |\n| --- | --- | --- | --- | --- |\n| left4me | %s | %v | | |\n"+
		"| a new nginx before it | %s | %v | %.2f | ≤ 1.5 |\n",
		direct[1], direct, through[1], through, through[1].Seconds()/direct[1].Seconds())
}

// nginx starts a proxy for the address to and returns the proxy's own address. The configuration is
// Debian's nginx.conf plus that address.
func nginx(t *testing.T, to string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	dir, err := os.MkdirTemp("", "left4me-nginx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("user www-data;\nworker_processes auto;\ndaemon off;\npid %[1]s/pid;\nerror_log stderr;\nevents {\n"+
		"worker_connections 768;\n}\nhttp {\nsendfile on;\ntcp_nopush on;\ntypes_hash_max_size 2048;\ngzip on;\n"+
		"access_log %[1]s/access.log;\nclient_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\n"+
		"fastcgi_temp_path %[1]s/fastcgi;\nuwsgi_temp_path %[1]s/uwsgi;\nscgi_temp_path %[1]s/scgi;\nserver {\nlisten %[2]s;\n"+
		"location / {\nproxy_pass http://%[3]s;\n}\n}\n}\n", dir, address, to)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "nginx", "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "conf"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	stage.Until(t, "nginx answers", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address
}
