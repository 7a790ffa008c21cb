//go:build proxy

package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

const (
	site     = "left4me.example.org"
	password = "correct horse battery"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// behind is a left4me behind a proxy, with the files that the proxies need.
type behind struct {
	*stage.Stage
	dir   string
	certs certs
	token string
}

func start(t *testing.T, port int, public string) *behind {
	t.Helper()
	dir, err := os.MkdirTemp("", "left4me-proxy") // must be readable for other users than root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := &behind{Stage: stage.New(t, port, "LEFT4ME_PUBLIC_URL="+public), dir: dir, certs: newCerts(t, dir)}
	b.Serve(t)
	b.Must(t, "POST", "/users", map[string]any{"name": "admin", "password": password, "admin": true}, nil)
	var token struct{ Token string }
	b.Must(t, "POST", "/tokens", map[string]any{"label": "proxy", "user": "admin"}, &token)
	b.token = token.Token
	return b
}

// Each proxy configuration in docs/install.md does what the text says: HTTP/2, login, client
// addresses, undelayed events, and uploads.
func TestDocumentedProxyConfigurations(t *testing.T) {
	b := start(t, 34500, "https://"+site)
	docs, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []struct {
		name string
		run  func(b *behind, t *testing.T, config string, https, http int) *exec.Cmd
	}{{"nginx", runNginx}, {"Caddy", runCaddy}, {"Apache", runApache}} {
		t.Run(p.name, func(t *testing.T) {
			config, err := example(string(docs), p.name)
			if err != nil {
				t.Fatal(err)
			}
			https, plain := freePort(t), freePort(t)
			cmd := p.run(b, t, config, https, plain)
			b.began(t, cmd, https)
			c := b.client(t, https, "127.0.0.1")
			c.redirects(t, b.client(t, plain, "127.0.0.1"))
			c.logsIn(t)
			c.streams(t, b)
			b.addresses(t, https, 2+10*i)
			b.pushes(t, https, fmt.Sprint("https", i), 40<<20)
			c.takes(t, 17<<20)
		})
	}
}

// An nginx whose only setting is the address of left4me must pass logins and uploads, the latter in
// pieces of 1 MiB.
func TestNginxWithDefaultsPassesLoginsAndUploads(t *testing.T) {
	b := start(t, 34600, "https://"+site)
	https := freePort(t)
	config := fmt.Sprintf("server {\nlisten %d ssl;\nssl_certificate %s;\nssl_certificate_key %s;\nlocation / {\nproxy_pass http://%s;\n"+
		"proxy_set_header Host $http_host;\n}\n}\n", https, b.certs.chain, b.certs.key, b.Address)
	b.began(t, b.nginx(t, config), https)
	c := b.client(t, https, "127.0.0.1")
	c.logsIn(t)
	c.streams(t, b)
	b.pushes(t, https, "defaults", 8<<20)
}

// began waits until a proxy accepts connections, and stops it at the end of the test.
func (b *behind) began(t *testing.T, cmd *exec.Cmd, port int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, &out)
		}
	})
	stage.Until(t, cmd.Path+" answers", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", cmd.Path, err, &out)
		default:
		}
		conn, err := net.DialTimeout("tcp", fmt.Sprint("127.0.0.1:", port), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// client connects to a proxy from a given local address and uses the name of the site.
type client struct {
	http *http.Client
	auth string
}

func (b *behind) client(t *testing.T, port int, from string) *client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: b.certs.pool}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", fmt.Sprint("127.0.0.1:", port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{auth: "Bearer " + b.token, http: &http.Client{
		Transport: transport, Timeout: stage.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) do(t *testing.T, method, address string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	return res, string(text)
}

// redirects checks that plain HTTP is redirected to HTTPS.
func (c *client) redirects(t *testing.T, plain *client) {
	t.Helper()
	res, _ := plain.do(t, "GET", "http://"+site+"/login", nil)
	if to := res.Header.Get("Location"); res.StatusCode < 301 || res.StatusCode > 308 || to != "https://"+site+"/login" {
		t.Errorf("plain HTTP: got status %d and location %q", res.StatusCode, to)
	}
}

// logsIn logs in as a browser does, over HTTP/2 if the proxy offers it.
func (c *client) logsIn(t *testing.T) {
	t.Helper()
	res, _ := c.do(t, "GET", "https://"+site+"/login", nil)
	if res.ProtoMajor != 2 && !strings.HasPrefix(t.Name(), "TestNginxWithDefaultsPassesLoginsAndUploads") {
		t.Errorf("the proxy answers with %s", res.Proto)
	}
	res, text := c.login(t, "admin", password)
	var session *http.Cookie
	for _, k := range res.Cookies() {
		if k.Name == "__Host-left4me" && k.Secure && k.Value != "" {
			session = k
		}
	}
	if res.StatusCode != http.StatusSeeOther || session == nil {
		t.Fatalf("log in: status %d, %s", res.StatusCode, text)
	}
	if res, _ := c.do(t, "GET", "https://"+site+"/servers", nil, "Cookie",
		session.Name+"="+session.Value); res.StatusCode != http.StatusOK {
		t.Errorf("logged in: status %d", res.StatusCode)
	}
}

func (c *client) login(t *testing.T, name, password string, header ...string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"name": {name}, "password": {password}}.Encode()
	return c.do(t, "POST", "https://"+site+"/login", strings.NewReader(form),
		append(header, "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://"+site)...)
}

// streams subscribes to the jobs and creates one. The event must arrive without delay.
func (c *client) streams(t *testing.T, b *behind) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "https://"+site+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", c.auth)
	r.Header.Set("Accept", "text/event-stream")
	began := time.Now()
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if took := time.Since(began); res.StatusCode != http.StatusOK || took > 5*time.Second {
		t.Fatalf("event stream: status %d after %s", res.StatusCode, took)
	}
	name := strings.ToLower(rand.Text()[:12])
	lines := bufio.NewScanner(res.Body)
	b.Must(t, "POST", "/servers", map[string]any{"name": name}, nil)
	began = time.Now()
	defer time.AfterFunc(10*time.Second, cancel).Stop()
	for lines.Scan() {
		if strings.Contains(lines.Text(), name) {
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("the event arrived after %s", took)
			}
			return
		}
	}
	t.Errorf("the event of %s did not arrive: %v", name, lines.Err())
}

// addresses tries passwords from one address until left4me refuses further attempts, with
// different addresses in X-Forwarded-For. Another address must still be able to log in.
func (b *behind) addresses(t *testing.T, port, last int) {
	t.Helper()
	guesser, other := b.client(t, port, fmt.Sprint("127.0.0.", last)), b.client(t, port, fmt.Sprint("127.0.0.", last+1))
	refused := false
	for i := 0; i < 60 && !refused; i++ {
		res, _ := guesser.login(t, fmt.Sprint("nobody", i), "wrong wrong wrong", "X-Forwarded-For", fmt.Sprint("127.0.1.", i))
		refused = res.StatusCode == http.StatusTooManyRequests
	}
	if !refused {
		t.Error("sixty wrong passwords from one address were all checked: left4me does not see the client's address")
	}
	if res, _ := other.login(t, "admin", password); res.StatusCode != http.StatusSeeOther {
		t.Errorf("login from another address: status %d", res.StatusCode)
	}
}

// pushes uploads a file with the command line, through a tunnel that directs every name to the
// proxy.
func (b *behind) pushes(t *testing.T, port int, overlay string, size int) {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.Read(data)
	file := filepath.Join(b.dir, overlay+".smx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Must(t, "POST", "/overlays", map[string]any{"name": overlay, "kind": "files"}, nil)
	cmd := exec.Command(b.Left4me, "overlay", "push", overlay, file, "--wait")
	cmd.Env = append(os.Environ(), "LEFT4ME_URL=https://"+site, "LEFT4ME_TOKEN="+b.token, "SSL_CERT_FILE="+b.certs.chain,
		"HTTPS_PROXY="+tunnel(t, port), "NO_PROXY=")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || bytes.Contains(out, []byte("retrying")) {
		t.Fatalf("push: %v\n%s", err, out)
	}
	found, _ := filepath.Glob(filepath.Join(b.Root, "overlays", overlay, "1", "left4dead2", "addons", "sourcemod", "plugins", "*.smx"))
	if len(found) != 1 {
		t.Fatalf("the file is missing: %s", out)
	}
	if got, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the %d bytes received differ from those sent: %v", len(got), err)
	}
}

// takes sends a long body that left4me must refuse, not the proxy.
func (c *client) takes(t *testing.T, size int) {
	t.Helper()
	res, text := c.do(t, "PUT", "https://"+site+"/api/v1/uploads/none/file?path=a&offset=0", bytes.NewReader(make([]byte, size)),
		"Authorization", c.auth, "Content-Type", "application/octet-stream")
	if res.StatusCode != http.StatusNotFound || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d bytes: status %d, %.200s", size, res.StatusCode, text)
	}
}
