package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/store/storetest"
)

// bundleSecrets lists texts that must not appear in a bundle, wherever users put them.
var bundleSecrets = []string{
	"key-of-this-site-which-is-long-enough", "token-of-a-command", "steam-account-password", "joins-with-this", "rcon-by-hand",
	"rcon-of-left4me", "argument-password", "cfg-line-of-ours", "cfg-of-an-overlay", "scripts-secret-line", "git-token",
	"commented-out-key", "blueprint-password", `uote<d>&pass`, "hidden-in-a-url", "of-an-older-script",
	"rcon-of-a-deleted-server", "steam-guard-code", "token-with-no-name", "of-another-directory",
}

// secretSite creates a root directory with secrets in every place. left4me does not run on it.
func secretSite(t *testing.T) (root, envFile string) {
	t.Helper()
	root = t.TempDir()
	db := storetest.Open(t.Context(), t, filepath.Join(root, databaseName))
	defer db.Close()
	ctx, at := t.Context(), time.Now().UTC()
	server := left4me.Server{
		Name: "alpha", Host: "local", Port: 27015, Blueprint: "default", CreatedAt: at, Autostart: "last", Wanted: "running",
		Settings: left4me.Settings{
			Password: "joins-with-this", Hostname: "a server", Args: []string{"-netconpassword", "argument-password"},
			Cfg: []string{"rcon_password rcon-by-hand", "say cfg-line-of-ours", `sv_password "q\uote<d>&pass"`},
		},
	}
	overlay := left4me.Overlay{
		Name: "made", Kind: left4me.ScriptOverlay, CreatedAt: at, UpdatedAt: at, Cfg: []string{"echo cfg-of-an-overlay"},
		Script: &left4me.Script{Text: "#!/bin/sh\nwget of-an-older-script\n"},
	}
	git := left4me.Overlay{
		Name: "cloned", Kind: left4me.GitOverlay, CreatedAt: at, UpdatedAt: at,
		Git: &left4me.Git{URL: "https://git-token@example.org/x"},
	}
	blueprint := left4me.Blueprint{Name: "house", CreatedAt: at, Settings: left4me.Settings{Password: "blueprint-password"}}
	job := store.QueuedJob{Job: left4me.Job{
		ID: "0001", Kind: left4me.StartServer, Target: "alpha", Host: "local", State: left4me.JobQueued, By: left4me.ByUser("admin"),
		CreatedAt: at,
	}}
	_, err := db.Overlays().Create(ctx, left4me.ByUser("admin"), overlay)
	overlay.Version, overlay.Script = 1, &left4me.Script{Text: "#!/bin/sh\ncurl -H scripts-secret-line\n"}
	_, uerr := db.Overlays().Update(ctx, left4me.ByUser("admin"), overlay)
	_, gerr := db.Overlays().Create(ctx, left4me.ByUser("admin"), git)
	err = errors.Join(err, uerr, gerr, db.Blueprints().Create(ctx, blueprint), db.Servers().Create(ctx, server))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Jobs().Add(ctx, job, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
	_, _, rerr := db.Jobs().Run(ctx, job.ID, at)
	job.State, job.EndedAt = left4me.JobFailed, at
	job.Error = &left4me.Error{Kind: left4me.Unavailable, Text: "it said rcon-by-hand and sv_password joins-with-this"}
	job.Steps = []left4me.Step{{
		Label: "start", State: "failed", Note: "with rcon-of-left4me, wget of-an-older-script", Warning: "curl -H scripts-secret-line",
	}}
	job.Log = []string{"curl -H scripts-secret-line"}
	_, _, eerr := db.Jobs().End(ctx, job.Job, "")
	err = errors.Join(err, rerr, eerr, db.Crashes().Add(ctx, store.Crash{
		Host: "local", Server: "alpha", At: at, Exit: "SIGSEGV", Uptime: time.Minute,
		Lines: []string{"rcon_password = joins-with-this", "it prints rcon-of-left4me", "say cfg-line-of-ours", `q\uote<d>&pass`},
	}), os.MkdirAll(filepath.Join(root, "instances", "alpha"), 0o755),
		os.WriteFile(filepath.Join(root, "instances", "alpha", "rcon"), []byte("rcon-of-left4me\n"), 0o600),
		os.MkdirAll(filepath.Join(root, "instances", "deleted"), 0o755),
		os.WriteFile(filepath.Join(root, "instances", "deleted", "rcon"), []byte("rcon-of-a-deleted-server\n"), 0o600))
	envFile = filepath.Join(t.TempDir(), "left4me.env")
	err = errors.Join(err, os.WriteFile(envFile, []byte("# LEFT4ME_SECRET_KEY=commented-out-key\n"+
		"LEFT4ME_SECRET_KEY='key-of-this-site-which-is-long-enough'\n"+
		"LEFT4ME_PUBLIC_URL=https://admin:hidden-in-a-url@panel.example.org\nLEFT4ME_PORT_RANGE=27015-27020\n"), 0o600),
		os.WriteFile(filepath.Join(filepath.Dir(envFile), "steam.env"), []byte(
			"LEFT4ME_STEAM_PASSWORD=steam-account-password\nLEFT4ME_STEAM_GUARD=steam-guard-code\n"), 0o600))
	config := t.TempDir()
	err = errors.Join(err, os.WriteFile(filepath.Join(config, "own.env"), []byte("LEFT4ME_OWN=of-another-directory\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEFT4ME_ROOT", root)
	t.Setenv("LEFT4ME_RUN", filepath.Join(root, "run"))
	t.Setenv("LEFT4ME_CONFIG_DIR", config)
	t.Setenv("LEFT4ME_TOKEN", "token-of-a-command")
	t.Setenv("LEFT4ME_STEAM_API_URL", "http://127.0.0.1:9")
	t.Setenv("LEFT4ME_STEAMCMD_URL", "http://127.0.0.1:9/x")
	return root, envFile
}

// bundle runs `left4me debug bundle` and returns the files in its archive and its output.
func bundle(t *testing.T, envFile string) (files map[string]string, said string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	program, err := exec.LookPath("left4me") // the program built by testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := func() (string, error) {
		out, err := exec.CommandContext(ctx, program, "debug", "bundle", "--env-file", envFile, "-o", name).CombinedOutput()
		return string(out), err
	}
	if said, err = run(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if st, err := os.Stat(name); err != nil || st.Mode() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", st.Mode(), err)
	}
	if out, err := run(); err == nil || !strings.Contains(out, "file exists") {
		t.Errorf("existing output file: got %v: %s", err, out)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, said
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, "left4me-debug/")] = string(b)
	}
}

// printsLog adds a journalctl to PATH that prints its arguments, as lines of the journal, and the
// output of a shell command.
func printsLog(t *testing.T, command string) {
	t.Helper()
	bin := t.TempDir()
	script := "#!/bin/sh\necho \"asked for $*\"\n" + command + "\n"
	if err := os.WriteFile(filepath.Join(bin, "journalctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

func TestBundleContainsNoSecrets(t *testing.T) {
	_, envFile := secretSite(t)
	printsLog(t, "printf '%s\\n' "+left4me.ShellWord(strings.Join(bundleSecrets[:6], " and "))+` 'say cfg-line-of-ours' \
		'echo cfg-of-an-overlay' 'it runs curl -H scripts-secret-line and wget of-an-older-script' 'q\uote<d>&pass' \
		rcon-of-a-deleted-server steam-guard-code of-another-directory 'Authorization: Bearer l4m_token-with-no-name' 'sv_password "another-one"' \
		'argument-password blueprint-password' 'of https://hidden-in-a-url@example.org and https://x:git-token@example.org'`)
	files, said := bundle(t, envFile)
	for name, text := range files {
		for _, secret := range bundleSecrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %q", name, secret)
			}
		}
		if !strings.Contains(said, name) || !strings.Contains(files["README.txt"], name) && name != "README.txt" {
			t.Errorf("%s is not explained in the output and README.txt", name)
		}
	}
	if !strings.Contains(said, "Nothing was sent anywhere.") {
		t.Errorf("got output %q", said)
	}
	for _, field := range []string{`"password":`, `"cfg":`, `"args":`, `"script":`, `"log":`} {
		if text := files["servers.json"] + files["jobs.json"]; strings.Contains(text, field) {
			t.Errorf("found field %s:\n%s", field, text)
		}
	}
	for name, want := range map[string][]string{
		"doctor.txt":   {"secret key", "database"},
		"versions.txt": {"database schema"},
		"settings.txt": {"LEFT4ME_PORT_RANGE=27015-27020", "LEFT4ME_SECRET_KEY=(hidden)", "LEFT4ME_PUBLIC_URL=(hidden)"},
		"servers.json": {`"alpha"`, `"port": 27015`, `"cfg_lines": 3`, `"hostname": "a server"`, `"made"`},
		"jobs.json":    {"server.start", `"failed"`, "it said (hidden)"},
		"crashes.json": {"SIGSEGV", "it prints (hidden)"},
		"log.txt":      {"--unit=left4me.service", "(hidden) and (hidden)"}, "units.txt": {},
		"units-log.txt": {
			"# left4me-server@alpha.service", "--unit=left4me-mount@alpha.service", "--unit=left4me-install.service",
			"(hidden) and (hidden) and (hidden)", "it runs (hidden) and (hidden)",
			`sv_password "(hidden)"`, "Bearer (hidden)", "https://(hidden)@example.org and https://x:(hidden)@example.org",
		},
	} {
		text, there := files[name]
		if !there {
			t.Errorf("missing file %s", name)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", name, w, text)
			}
		}
	}
}

// A host that needs a bundle may be one on which programs hang.
func TestBundleFinishesDespiteHangingPrograms(t *testing.T) {
	_, envFile := secretSite(t)
	// The children keep the output open after their parent has been killed.
	printsLog(t, `case "$*" in *left4me-build@*) sleep 60 & sleep 60 ;; esac`)
	began := time.Now()
	files, _ := bundle(t, envFile)
	if took := time.Since(began); took > bundleWithin+3*time.Second { // plus the start of two processes
		t.Errorf("bundle took %s", took)
	}
	for name, want := range map[string]string{
		"units-log.txt": "asked for --no-pager --quiet --output=short-iso --lines=100 --unit=left4me-build@*.service\n" +
			"journalctl: signal: killed\n\n# left4me-firewall.service\nasked for ",
		"doctor.txt": "secret key", "jobs.json": "server.start",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%s", name, want, files[name])
		}
	}
}

// A file that cannot be read may contain secrets that occur in a log, a job or a crash.
func TestBundleOmitsTextsIfSecretsAreUnknown(t *testing.T) {
	root, envFile := secretSite(t)
	key := filepath.Join(t.TempDir(), "key")
	site := settings{root: root, keyFile: key, configDir: os.Getenv("LEFT4ME_CONFIG_DIR")}
	if own := secretsOf(site, envFile); own.err != nil { // the key file does not exist
		t.Error(own.err)
	}
	rcon := filepath.Join(root, "instances", "alpha", "rcon")
	for _, file := range []string{
		envFile, filepath.Join(filepath.Dir(envFile), "steam.env"), filepath.Join(site.configDir, "own.env"), key,
		filepath.Join(root, "instances"), rcon,
	} {
		aside := file + ".aside"
		if err := os.Rename(file, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		// Root can read every file, so put a directory in place of a file and a file in place of a
		// directory.
		err, why := os.Mkdir(file, 0o700), "is a directory"
		if filepath.Base(file) == "instances" {
			err, why = errors.Join(os.Remove(file), os.WriteFile(file, nil, 0o600)), "not a directory"
		}
		if err != nil {
			t.Fatal(err)
		}
		if own := secretsOf(site, envFile); own.err == nil || !strings.Contains(own.err.Error(), file+": "+why) {
			t.Errorf("%s: got error %v", file, own.err)
		}
		if file == rcon {
			break // leave it unreadable for the bundle below
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(aside, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	printsLog(t, "echo it prints rcon-of-left4me and steam-account-password")
	files, _ := bundle(t, envFile)
	leavesOut(t, files, rcon+": is a directory")
	if !strings.Contains(files["servers.json"], `"alpha"`) || !strings.Contains(files["versions.txt"], "database schema") {
		t.Error("files without secrets were omitted")
	}
}

// leavesOut checks that a bundle omits everything that may contain unknown secrets and gives the
// reason.
func leavesOut(t *testing.T, files map[string]string, why string) {
	t.Helper()
	for _, name := range []string{"doctor.txt", "jobs.json", "crashes.json", "log.txt", "units-log.txt"} {
		if text := files[name]; !strings.Contains(text, "cannot determine which texts are secret") || !strings.Contains(text, why) {
			t.Errorf("%s doesn't say %q:\n%s", name, why, text)
		}
	}
	for name, text := range files {
		for _, secret := range []string{"rcon-of-left4me", "steam-account-password", "it prints", "SIGSEGV"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %q:\n%s", name, secret, text)
			}
		}
	}
}

// Reading a file on a failed disk blocks forever, like reading a pipe without a writer.
func TestBundleFinishesDespiteBlockingFiles(t *testing.T) {
	root, envFile := secretSite(t)
	key, rcon := filepath.Join(t.TempDir(), "key"), filepath.Join(root, "instances", "alpha", "rcon")
	if err := errors.Join(os.Remove(rcon), unix.Mkfifo(rcon, 0o600), unix.Mkfifo(key, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEFT4ME_SECRET_KEY_FILE", key)
	printsLog(t, "echo it prints rcon-of-left4me")
	began := time.Now()
	files, _ := bundle(t, envFile)
	if took := time.Since(began); took > bundleWithin+3*time.Second { // plus the start of two processes
		t.Errorf("bundle took %s", took)
	}
	leavesOut(t, files, "the settings could not be read within 1s")
	leavesOut(t, files, "the files with passwords could not be read within 5s")
	if !strings.Contains(files["servers.json"], `"alpha"`) { // the environment contains the directories
		t.Errorf("servers.json lacks alpha:\n%s", files["servers.json"])
	}
}

// A text is included only if it was complete before the time limit.
func TestBundleTextTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, cancel := context.WithTimeout(t.Context(), bundleWithin)
		defer cancel()
		never := make(chan struct{})
		wait := begin(limit, func() string { <-never; return "late" })
		if text := textOrTimeout(wait); text != "not available within 5s\n" {
			t.Errorf("got %q", text)
		}
		close(never)
		// A result that arrived in time is used, however late it is requested.
		for range 20 {
			found := begin(limit, func() string { return "found" })
			synctest.Wait()
			if text := textOrTimeout(found); text != "found" {
				t.Fatalf("got %q, want found", text)
			}
		}
	})
}

func TestBundleKeepsEndOfLongLog(t *testing.T) {
	printsLog(t, `seq -f 'line %.0f' 100000`)
	text := unitLog(t.Context(), []string{"left4me-server@alpha.service"})
	if len(text) > bundleUnitMost+100 || !strings.HasSuffix(text, "\nline 100000\n") ||
		!strings.HasPrefix(text, "# left4me-server@alpha.service\nline ") {
		t.Errorf("got %d bytes: %.100s", len(text), text)
	}
	printsLog(t, "echo second")
	if text := unitLog(t.Context(), []string{"a.service"}); !strings.HasPrefix(text, "# a.service\nasked for ") ||
		!strings.HasSuffix(text, "\nsecond\n") {
		t.Errorf("got %q", text)
	}
}

// A text that begins within another must be hidden with it, as a whole.
func TestHideOverlappingTexts(t *testing.T) {
	var h hiding
	h.add("xabc", "abcdefgh", "fghijk", `q"uote`)
	for text, want := range map[string]string{
		"-xabcdefghijk-": "-(hidden)-", "abcdefgh abcdefg": "(hidden) abcdefg", `"q\"uote"`: `"(hidden)"`, "xabcxabc": "(hidden)(hidden)",
	} {
		if got := h.hide(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// A bundle is most useful if left4me cannot start.
func TestBundleContainsReadableFiles(t *testing.T) {
	root, envFile := secretSite(t)
	database := filepath.Join(root, databaseName)
	if err := errors.Join(os.Remove(database), os.Remove(envFile)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEFT4ME_PUBLIC_URL", "panel.example.org//admin:hidden-in-a-url@") // doctor reports that it is invalid
	printsLog(t, "echo of a script: scripts-secret-line")
	files, _ := bundle(t, envFile)
	for name, want := range map[string]string{
		"doctor.txt": `LEFT4ME_PUBLIC_URL: "(hidden)"`, "jobs.json": `"error": "`, "servers.json": `"error": "`,
		"settings.txt": "no such file", "units-log.txt": "cannot determine which texts are secret",
		"log.txt": "cannot determine which texts are secret",
	} {
		if strings.Contains(files[name], "scripts-secret-line") {
			t.Errorf("%s contains a secret that only the database could identify", name)
		}
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%s", name, want, files[name])
		}
	}
	if _, err := os.Stat(database); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database was created: %v", err)
	}
}

// Until the next start of a renamed server its units have the old name.
func TestBundleReadsUnitsOfRenamedServerByBothNames(t *testing.T) {
	root, _ := secretSite(t)
	db, err := store.Open(t.Context(), filepath.Join(root, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Servers().Rename(t.Context(), "alpha", "beta", 0)
	db.Close()
	if err != nil {
		t.Fatal(err)
	}
	if r := inspect(t.Context(), settings{root: root}); !slices.Equal(r.units, []left4me.Name{"beta", "alpha"}) {
		t.Errorf("got units %v, want beta and alpha", r.units)
	}
}

// The state of a finished job is shown even if scripts contain the same word.
func TestHideKeepsShellKeywords(t *testing.T) {
	var h hiding
	h.overlay(left4me.Overlay{Script: &left4me.Script{Text: "for x in a b; do\n\tcurl -H secret-of-it\ndone\ntrue\n"}})
	if got := h.hide(`{"state": "done", "log": true, "note": "curl -H secret-of-it"}`); got !=
		`{"state": "done", "log": true, "note": "(hidden)"}` {
		t.Errorf("got %s", got)
	}
}
