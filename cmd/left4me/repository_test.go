package main

import (
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// repository creates a Git repository served over HTTP by Git itself and sets $REPOSITORY to its
// address.
func repository(ts *testscript.TestScript, _ bool, _ []string) {
	git(ts, "init", "-q", "-b", "main")
	path, err := exec.Command("git", "--exec-path").Output()
	ts.Check(err)
	safe := ts.MkAbs("gitconfig")
	ts.Check(os.WriteFile(safe, []byte("[safe]\n\tdirectory = *\n"), 0o644))
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"), Root: "/", InheritEnv: []string{"PATH"},
		Env: []string{"GIT_PROJECT_ROOT=" + ts.MkAbs("repository"), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=" + safe},
	})
	ts.Defer(server.Close)
	ts.Setenv("REPOSITORY", server.URL+"/.git")
	ts.Setenv("LEFT4ME_DOWNLOAD_ALLOW", strings.TrimPrefix(server.URL, "http://"))
}

// commit implements `commit DIR`: the repository then contains exactly the files of DIR.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	git(ts, "--work-tree", ts.MkAbs(args[0]), "add", "-A")
	git(ts, "commit", "-qm", "from "+args[0])
}

func git(ts *testscript.TestScript, args ...string) {
	dir := ts.MkAbs("repository")
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(ts.Exec("git",
		append([]string{"--git-dir", filepath.Join(dir, ".git"), "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...))
}
