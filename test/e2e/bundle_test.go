//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bundled makes a debug bundle in the machine and returns its files and how long it took.
func bundled(t *testing.T) (files map[string]string, took time.Duration) {
	t.Helper()
	const name, dir = "/root/bundle.tar.gz", "/root/left4me-debug"
	began := time.Now()
	must(t, "left4me", "debug", "bundle", "-o", name)
	took = time.Since(began)
	must(t, "tar", "-xzf", name, "-C", "/root")
	defer func() { must(t, "rm", "-r", name, dir) }()
	entries, err := os.ReadDir(outside + dir)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(outside+dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	return files, took
}

// sessionCookie logs in and returns the value of the session cookie.
func sessionCookie(t *testing.T, name, password string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: inMachine}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: transport}
	resp, err := browser.PostForm("http://127.0.0.1:8000/login", url.Values{"name": {name}, "password": {password}, "next": {"/servers"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	at, _ := url.Parse("http://127.0.0.1:8000/")
	for _, c := range jar.Cookies(at) {
		if len(c.Value) > 20 {
			return c.Value
		}
	}
	t.Fatalf("no session cookie: status %d, %v", resp.StatusCode, jar.Cookies(at))
	return ""
}

// startAs starts a server by a request with the given id, waits for the end of the job and returns
// the code of its error.
func startAs(t *testing.T, name, id string) (code string) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://left4me/api/v1/servers/"+name+"/start", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", id)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var j struct {
		ID, State string
		Error     struct{ Code string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&j); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the start ends", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		return j.State != "queued" && j.State != "running"
	})
	return j.Error.Code
}

// A bundle contains the effects of a request made just before, including lines that only the
// journal of a server's unit has. It contains no secret of the machine in any file.
func TestDebugBundleHasErrorsAndNoSecrets(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	const env, steam, drop = "/etc/left4me/left4me.env", "/etc/left4me/steam.env", "/run/systemd/system/left4me-server@bundled.service.d"
	must(t, "sh", "-c", "cp "+env+" /root/env; echo 'LEFT4ME_PUBLIC_URL=https://admin:password-of-the-url@panel.example.org' >>"+env+`
		printf 'LEFT4ME_STEAM_USER=nobody\nLEFT4ME_STEAM_PASSWORD=steam-accounts-password\nLEFT4ME_STEAM_GUARD=steam-guard-key\n' >`+steam+
		"\nchown root:left4me "+steam+"; chmod 0640 "+steam)
	t.Cleanup(func() {
		must(t, "sh", "-c", "cp /root/env "+env+"; rm -rf /root/env "+steam+" "+drop+"; systemctl daemon-reload; systemctl restart left4me")
		if err := becomesReady(); err != nil {
			t.Error(err)
		}
	})
	must(t, "systemctl", "restart", "left4me")
	if err := becomesReady(); err != nil {
		t.Fatal(err)
	}
	settings := map[string]any{"password": "joins-with-this-password", "cfg": []string{"tv_password typed-by-hand"}}
	if code := call(t, "POST", "/servers", map[string]any{"name": "bundled", "settings": settings}, nil); code != http.StatusCreated {
		t.Fatal(code)
	}
	defer func() { done(t, "DELETE", "/servers/bundled") }()
	var token struct{ Token string }
	if code := call(t, "POST", "/users", map[string]any{"name": "bundler", "password": "password-of-a-user", "admin": true},
		nil); code != 201 {
		t.Fatal(code)
	}
	if code := call(t, "POST", "/tokens", map[string]any{"label": "x", "user": "bundler"}, &token); code != 201 || token.Token == "" {
		t.Fatal(code, token)
	}
	secrets := []string{
		"password-of-the-url", "steam-accounts-password", "steam-guard-key", "joins-with-this-password", "typed-by-hand",
		token.Token, sessionCookie(t, "bundler", "password-of-a-user"), "password-of-a-user", "only-for-this-test-only",
	}
	done(t, "POST", "/servers/bundled/start") // creates the RCON password
	done(t, "POST", "/servers/bundled/stop")
	remote, err := os.ReadFile(outside + root + "/instances/bundled/rcon")
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimSpace(string(remote)))

	// The unit prints all secrets at the next start, which then fails.
	must(t, "mkdir", "-p", drop)
	print := "[Service]\nExecStartPre=/bin/echo of the unit itself\n"
	for _, s := range secrets[:len(secrets)-4] { // those that left4me can know; systemd would remove the quotes of the key
		print += "ExecStartPre=/bin/echo it has " + s + " in it\n"
	}
	print += "ExecStartPre=/bin/echo it has " + secrets[len(secrets)-1] + " in it\n"
	if err := os.WriteFile(outside+drop+"/50-test.conf", []byte(print), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "systemctl", "daemon-reload")
	done(t, "POST", "/servers/bundled/start")
	done(t, "POST", "/servers/bundled/stop")
	if err := unix.Setxattr(outside+root+"/runtime/bundled/upper", "user.fuseoverlayfs.opaque", []byte("y"), 0); err != nil {
		t.Fatal(err)
	}
	const id = "request-of-the-bundle"
	code := startAs(t, "bundled", id)
	if code == "" {
		t.Fatal("the start did not fail")
	}

	files, took := bundled(t)
	if took > 5*time.Second {
		t.Errorf("the bundle took %s", took)
	}
	t.Logf("the bundle took %s and has %d bytes of units-log.txt; the start failed with %s", took, len(files["units-log.txt"]), code)
	for name, text := range files {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s contains the secret %q", name, s)
			}
		}
	}
	for name, want := range map[string][]string{
		"jobs.json":     {`"request_id": "` + id + `"`, `"code": "` + code + `"`},
		"doctor.txt":    {"polkit", "units", "game"},
		"settings.txt":  {"LEFT4ME_PUBLIC_URL=(hidden)"},
		"units.txt":     {"left4me.service"},
		"units-log.txt": {"# left4me-server@bundled.service", "of the unit itself", "it has (hidden) in it", "fuse-overlayfs"},
	} {
		for _, w := range want {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s lacks %q:\n%s", name, w, files[name])
			}
		}
	}
	if line, _, _ := strings.Cut(files["log.txt"], "\n"); strings.Contains(line, "No journal files") {
		t.Error(line)
	}
}
