package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// hold is what no bundle may have, wherever people put it.
var hold = []string{
	"key-of-this-site-which-is-long-enough", "token-of-a-command", "steam-account-password", "joins-with-this", "rcon-by-hand",
	"rcon-of-left4me", "argument-password", "cfg-line-of-ours", "cfg-of-an-overlay", "scripts-secret-line", "git-token",
	"commented-out-key", "blueprint-password", `uote<d>&pass`, "hidden-in-a-url", "of-an-older-script",
}

// secretSite is a site with secrets everywhere that left4me doesn't work on.
func secretSite(t *testing.T) (root, envFile string) {
	t.Helper()
	root = t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(root, databaseName))
	if err != nil {
		t.Fatal(err)
	}
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
	_, err = db.Overlays().Create(ctx, left4me.ByUser("admin"), overlay)
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
	_, eerr := db.Jobs().End(ctx, job.Job, "")
	err = errors.Join(err, rerr, eerr, db.Crashes().Add(ctx, store.Crash{
		Host: "local", Server: "alpha", At: at, Exit: "SIGSEGV", Uptime: time.Minute,
		Lines: []string{"rcon_password = joins-with-this", "it prints rcon-of-left4me", "say cfg-line-of-ours", `q\uote<d>&pass`},
	}), os.MkdirAll(filepath.Join(root, "instances", "alpha"), 0o755),
		os.WriteFile(filepath.Join(root, "instances", "alpha", "rcon"), []byte("rcon-of-left4me\n"), 0o600))
	envFile = filepath.Join(t.TempDir(), "left4me.env")
	err = errors.Join(err, os.WriteFile(envFile, []byte("# LEFT4ME_SECRET_KEY=commented-out-key\n"+
		"LEFT4ME_SECRET_KEY='key-of-this-site-which-is-long-enough'\nLEFT4ME_STEAM_PASSWORD=steam-account-password\n"+
		"LEFT4ME_PUBLIC_URL=https://hidden-in-a-url@panel.example.org\nLEFT4ME_PORT_RANGE=27015-27020\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEFT4ME_ROOT", root)
	t.Setenv("LEFT4ME_RUN", filepath.Join(root, "run"))
	t.Setenv("LEFT4ME_TOKEN", "token-of-a-command")
	t.Setenv("LEFT4ME_STEAM_API_URL", "http://127.0.0.1:9")
	t.Setenv("LEFT4ME_STEAMCMD_URL", "http://127.0.0.1:9/x")
	return root, envFile
}

// bundle runs the command and gives what is in its archive.
func bundle(t *testing.T, envFile string) (files map[string]string, said string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	// Doctor runs itself once more, and this is left4me by its name (testscript.Main).
	program := filepath.Join(t.TempDir(), "left4me")
	if b, err := os.ReadFile("/proc/self/exe"); errors.Join(err, os.WriteFile(program, b, 0o755)) != nil {
		t.Fatal(err)
	}
	run := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), program, "debug", "bundle", "--env-file", envFile, "-o", name).CombinedOutput()
		return string(out), err
	}
	said, err := run()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if st, err := os.Stat(name); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v: %v", st.Mode(), err)
	}
	if out, err := run(); err == nil || !strings.Contains(out, "file exists") {
		t.Errorf("over a file that is there: %v: %s", err, out)
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

func TestABundleHasNoSecretOfASiteFullOfThem(t *testing.T) {
	_, envFile := secretSite(t)
	files, said := bundle(t, envFile)
	for name, text := range files {
		for _, secret := range hold {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q", name, secret)
			}
		}
		if !strings.Contains(said, name) || !strings.Contains(files["README.txt"], name) && name != "README.txt" {
			t.Errorf("nothing says what %s is", name)
		}
	}
	if !strings.Contains(said, "Nothing was sent anywhere.") {
		t.Error(said)
	}
	for _, field := range []string{`"password":`, `"cfg":`, `"args":`, `"script":`, `"log":`} {
		if text := files["servers.json"] + files["jobs.json"]; strings.Contains(text, field) {
			t.Errorf("there is a field %s:\n%s", field, text)
		}
	}
	for name, want := range map[string][]string{
		"doctor.txt":   {"secret key", "database"},
		"versions.txt": {"schema of the database"},
		"settings.txt": {"LEFT4ME_PORT_RANGE=27015-27020", "LEFT4ME_SECRET_KEY=(hidden)", "LEFT4ME_PUBLIC_URL=(hidden)"},
		"servers.json": {`"alpha"`, `"port": 27015`, `"cfg_lines": 3`, `"hostname": "a server"`, `"made"`},
		"jobs.json":    {"server.start", `"failed"`, "it said (hidden)"},
		"crashes.json": {"SIGSEGV", "it prints (hidden)"},
		"log.txt":      {}, "units.txt": {},
	} {
		text, there := files[name]
		if !there {
			t.Errorf("there is no %s", name)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", name, w, text)
			}
		}
	}
}

// A site that left4me can't start on needs a bundle most.
func TestABundleIsMadeOfWhatCanBeRead(t *testing.T) {
	root, envFile := secretSite(t)
	database := filepath.Join(root, databaseName)
	if err := errors.Join(os.Remove(database), os.Remove(envFile)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEFT4ME_PUBLIC_URL", "panel.example.org//admin:hidden-in-a-url@") // doctor says what is wrong with it
	files, _ := bundle(t, envFile)
	for name, want := range map[string]string{
		"doctor.txt": `LEFT4ME_PUBLIC_URL: "(hidden)"`, "jobs.json": `"error": "`, "servers.json": `"error": "`,
		"settings.txt": "no such file",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%s", name, want, files[name])
		}
	}
	if _, err := os.Stat(database); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made a database: %v", err)
	}
}

// Jobs that are done say so, whatever overlays have in their scripts.
func TestAWordOfTheShellIsNoSecret(t *testing.T) {
	var h hiding
	h.overlay(left4me.Overlay{Script: &left4me.Script{Text: "for x in a b; do\n\tcurl -H secret-of-it\ndone\ntrue\n"}})
	if got := h.hide(`{"state": "done", "log": true, "note": "curl -H secret-of-it"}`); got !=
		`{"state": "done", "log": true, "note": "(hidden)"}` {
		t.Error(got)
	}
}
