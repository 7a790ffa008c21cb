package git_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/git"
	"github.com/left4me/left4me/internal/left4me"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// forge is a server with a repository that git serves over HTTP.
type forge struct {
	t      *testing.T
	dir    string // the repository, with a working tree
	url    string
	server *httptest.Server
	asked  atomic.Int64
	before func(w http.ResponseWriter, r *http.Request) (done bool)
}

func newForge(t *testing.T) *forge {
	t.Helper()
	if err := git.Available(); err != nil {
		t.Fatal("install git: ", err)
	}
	parent := t.TempDir()
	f := &forge{t: t, dir: filepath.Join(parent, "maps")}
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: "/",
		Env: []string{
			"GIT_PROJECT_ROOT=" + parent, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(parent, "config"),
			"GIT_CONFIG_NOSYSTEM=1",
		},
		InheritEnv: []string{"PATH"}, Stderr: io.Discard,
	}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		if f.before != nil && f.before(w, r) {
			return
		}
		r.Header.Set("Git-Protocol", r.Header.Get("Git-Protocol"))
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(f.server.Close)
	f.url = f.server.URL + "/maps/.git"
	f.config("[safe]\n\tdirectory = *\n")
	f.git("init", "-q", "-b", "main", f.dir)
	return f
}

func (f *forge) config(text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(f.dir), "config"), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forge) git(args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git",
		append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "tag.gpgSign=false"}, args...)...)
	if args[0] != "init" {
		cmd.Dir = f.dir
	}
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, commits them and returns the commit ID.
func (f *forge) commit(files ...string) string {
	f.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(f.dir, files[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(files[i+1]), 0o644)); err != nil {
			f.t.Fatal(err)
		}
	}
	f.git("add", "-A")
	f.git("commit", "-q", "--allow-empty", "-m", "x")
	return f.git("rev-parse", "HEAD")
}

func (f *forge) client(allow ...string) *download.Client {
	f.t.Helper()
	c, err := download.New(download.Options{Allow: allow, Stall: 20 * time.Second})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

func (f *forge) open() *git.Repository {
	f.t.Helper()
	r, err := git.Open(f.url, f.t.TempDir(), f.client(strings.TrimPrefix(f.server.URL, "http://")), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// fetch returns the contents of a commit by path.
func fetch(t *testing.T, r *git.Repository, ref, dir string) (map[string]string, error) {
	t.Helper()
	commit, err := r.Find(t.Context(), ref)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.TempDir(), "tree.tar")
	if err := r.Archive(t.Context(), commit, dir, file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			got[h.Name] = string(b)
		}
	}
}

func TestFindBranchesTagsAndCommits(t *testing.T) {
	f := newForge(t)
	first := f.commit("cfg/a.cfg", "1")
	f.git("tag", "v1")
	f.git("tag", "-a", "-m", "x", "annotated")
	f.git("branch", "old/one")
	second := f.commit("cfg/a.cfg", "2", "addons/b.vpk", "b")
	third := f.commit("cfg/a.cfg", "3")
	r := f.open()
	for ref, want := range map[string]string{
		"": "3", "main": "3", "v1": "1", "annotated": "1", "old/one": "1", "refs/tags/v1": "1", "refs/heads/main": "3",
		first: "1", second: "2", second[:9]: "2", third[:7]: "3",
	} {
		got, err := fetch(t, r, ref, "")
		if err != nil || got["cfg/a.cfg"] != want {
			t.Errorf("%q: got %v, %v; want %s", ref, got, err, want)
		}
	}
	if got, err := fetch(t, r, "main", "addons"); err != nil || len(got) != 1 || got["b.vpk"] != "b" {
		t.Errorf("directory addons: %v, %v", got, err)
	}
	for ref, want := range map[string]error{
		"nowhere": left4me.NotFound, "abcdef0": left4me.NotFound, strings.Repeat("ab", 20): left4me.NotFound,
		"-x": left4me.Invalid, "--upload-pack=touch /tmp/x": left4me.Invalid, "a..b": left4me.Invalid, "a\nb": left4me.Invalid,
		"*": left4me.Invalid,
	} {
		if _, err := fetch(t, r, ref, ""); !errors.Is(err, want) ||
			strings.Contains(err.Error(), "127.0.0.1:") && !strings.Contains(err.Error(), f.url) {
			t.Errorf("ref %q: got %v", ref, err)
		}
	}
	for _, dir := range []string{"nowhere", "cfg/a.cfg", "../.."} {
		if _, err := fetch(t, r, "main", dir); !errors.Is(err, left4me.NotFound) {
			t.Errorf("directory %q: got %v, want NotFound", dir, err)
		}
	}
}

func TestFetchFromServerThatRefusesSingleCommits(t *testing.T) {
	f := newForge(t)
	f.config(
		"[safe]\n\tdirectory = *\n[uploadpack]\n\tallowAnySHA1InWant = false\n\tallowReachableSHA1InWant = false\n" +
			"\tallowTipSHA1InWant = false\n")
	first := f.commit("a", "1")
	f.commit("a", "2")
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Git-Protocol") // simulates an old server: the new protocol allows requests for any commit
		return false
	}
	if got, err := fetch(t, f.open(), first, ""); err != nil || got["a"] != "1" {
		t.Errorf("fetched files: %v, %v", got, err)
	}
}

func TestRepositoryCannotExecuteCommands(t *testing.T) {
	f := newForge(t)
	mark := filepath.Join(t.TempDir(), "executed")
	f.commit(
		".gitattributes", "*.cfg filter=evil\n*.vpk filter=lfs\n", "a.cfg", "plain",
		".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = file:///etc\n",
		".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n", "b.vpk", "version https://git-lfs.github.com/spec/v1\n",
	)
	// The configuration of the user who runs left4me must not be used either.
	home := t.TempDir()
	text := fmt.Sprintf("[filter \"evil\"]\n\tsmudge = touch %[1]s; cat\n\trequired = true\n[core]\n\thooksPath = %[2]s\n"+
		"[url \"file:///\"]\n\tinsteadOf = http://\n[tar \"tar\"]\n\tcommand = touch %[1]s\n", mark, home)
	for _, name := range []string{".gitconfig", "reference-transaction", "post-checkout"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, ".gitconfig"))
	t.Setenv("GIT_TRACE", mark)
	t.Setenv("GIT_DIR", "/nowhere")
	got, err := fetch(t, f.open(), "main", "")
	if err != nil || got["a.cfg"] != "plain" {
		t.Errorf("fetched files: %v, %v", got, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command from the repository or the configuration was executed")
	}
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	f := newForge(t)
	f.commit("a", "1")
	own := strings.TrimPrefix(f.server.URL, "http://")
	closed, allowed := f.client(), f.client(own)
	for _, address := range []string{
		f.url, "http://example.org/x", "file://" + f.dir, f.dir, "ssh://git@example.org/x", "git@example.org:x", "ext::touch x",
		"https://user:secret@example.org/x",
		"https://example.org", "https://example.org/x?y", "git://example.org/x", "https://example.org/x\n",
	} {
		if _, err := git.Open(address, t.TempDir(), closed, nil); !errors.Is(err, left4me.Invalid) {
			t.Errorf("Open(%q): got %v, want Invalid", address, err)
		}
	}
	// Addresses of this host are refused behind https, too, and as the target of a redirect.
	r, err := git.Open("https://localhost:1/x", t.TempDir(), closed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Find(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "a private or local address") {
		t.Errorf("address of this host: got %v", err)
	}
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private address was contacted") }))
	defer private.Close()
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, private.URL+r.URL.String(), http.StatusMovedPermanently)
		return true
	}
	if r, err = git.Open(f.url, t.TempDir(), allowed, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Find(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("redirect to a private address: got %v", err)
	}
}

func TestRedirectedRepositoryIsFetched(t *testing.T) {
	f := newForge(t)
	f.commit("a", "1")
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			t.Error("the old address got more than the first request")
		}
		http.Redirect(w, r, f.url+strings.TrimPrefix(r.URL.String(), "/old"), http.StatusMovedPermanently)
	}))
	defer old.Close()
	r, err := git.Open(old.URL+"/old", t.TempDir(),
		f.client(strings.TrimPrefix(f.server.URL, "http://"), strings.TrimPrefix(old.URL, "http://")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(t, r, "", ""); err != nil || got["a"] != "1" {
		t.Errorf("fetched files: %v, %v", got, err)
	}
}

func TestServerFailuresHaveCause(t *testing.T) {
	f := newForge(t)
	f.commit("a", strings.Repeat("long\n", 10_000))
	answer := func(code int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	for want, before := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"not a public repository (status 404)": answer(404, "text/html", "no"),
		"not a public repository (status 401)": answer(401, "text/html", "no"),
		"is overloaded (status 503)":           answer(503, "text/html", "no"),
		"is not a Git repository":              answer(200, "text/html", "<html>"),
		"git ls-remote":                        answer(200, "application/x-git-upload-pack-advertisement", "zzzzgarbage"),
		"was lost":                             func(w http.ResponseWriter, r *http.Request) bool { return cutPack(w, r) },
		"broken Git objects":                   brokenPack(f),
		"a private or local address":           nil,
	} {
		if before == nil {
			continue
		}
		f.before = before
		_, err := fetch(t, f.open(), "main", "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), f.url, ""), "http://127") {
			t.Errorf("the address of the proxy is shown: %v", err)
		}
	}
}

// cutPack cuts off the response in the middle of a pack.
func cutPack(w http.ResponseWriter, r *http.Request) bool {
	b, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(b), "command=fetch") {
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		return false
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "000dpackfile\n")
	return true
}

// brokenPack answers with a repository that contains a tree with the entry "..".
func brokenPack(f *forge) func(http.ResponseWriter, *http.Request) bool {
	blob := f.git("hash-object", "-w", "a")
	cmd := exec.Command("git", "mktree")
	cmd.Dir = f.dir
	cmd.Stdin = strings.NewReader("100644 blob " + blob + "\t.git\n")
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatal(err)
	}
	bad := f.git("commit-tree", "-m", "x", strings.TrimSpace(string(out)))
	return func(http.ResponseWriter, *http.Request) bool {
		f.git("update-ref", "refs/heads/main", bad)
		return false
	}
}

func TestCancelEndsGit(t *testing.T) {
	f := newForge(t)
	f.commit("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}
	if _, err := f.open().Find(ctx, "main"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Find: got %v", err)
	}
}

func FuzzCheckRef(f *testing.F) {
	for _, s := range []string{"", "main", "v1.2", "feature/x", "-x", "a..b", "a b", "@{u}", "refs/heads/x", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if git.CheckRef(s) == nil && s != "" && (s[0] == '-' || strings.ContainsAny(s, "\x00\n*?[:^~ ")) {
			t.Errorf("CheckRef accepted %q", s)
		}
	})
}
