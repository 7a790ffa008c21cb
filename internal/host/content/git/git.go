// Package git fetches one commit of a public repository and writes it as an archive.
//
// Neither the repository nor its address is trusted. The git program can connect only to our proxy on
// this host, which forwards two kinds of requests to the repository, refuses addresses of this host and
// its network when it connects, and limits the amount of data. git reads no configuration but ours,
// runs no hooks, filters or helpers, follows no submodules, and checks every received object.
package git

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/left4me/left4me/internal/left4me"
)

// Doer performs HTTP requests. Implementations must refuse addresses that must not be contacted.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
	Allowed(address string) bool // whether address may be used without https
}

// Limits of a fetch.
const (
	maxFetched  = 4 << 30   // bytes received over the network
	maxTree     = 32 << 30  // size of the archive in bytes
	fetchWithin = time.Hour // total time
	findWithin  = time.Minute
)

// Repository is a remote repository. It must not be used concurrently.
type Repository struct {
	url      string
	scratch  string // empty directory for git's files
	http     Doer
	progress func(left4me.Progress)
}

// Open returns a Repository without contacting it. The caller removes scratch with its contents
// afterwards; progress may be nil. Errors: left4me.Invalid if the address isn't allowed.
func Open(address, scratch string, http Doer, progress func(left4me.Progress)) (*Repository, error) {
	u, err := url.Parse(address)
	var e *left4me.Error
	switch {
	case err != nil || len(address) > 2000 || strings.ContainsFunc(address, unicode.IsControl):
		e = left4me.NewError(left4me.Invalid, "git.url_unreadable", "url", address)
	case u.Scheme != "https" && (u.Scheme != "http" || !http.Allowed(address)):
		e = left4me.NewError(left4me.Invalid, "git.url_insecure", "url", address)
	case u.Hostname() == "" || strings.Trim(u.Path, "/") == "":
		e = left4me.NewError(left4me.Invalid, "git.url_names_none", "url", address)
	case u.User != nil:
		e = left4me.NewError(left4me.Invalid, "git.url_has_password", "url", address)
	case u.RawQuery != "" || u.Fragment != "":
		e = left4me.NewError(left4me.Invalid, "git.url_has_query", "url", address)
	default:
		if progress == nil {
			progress = func(left4me.Progress) {}
		}
		return &Repository{url: strings.TrimRight(u.String(), "/"), scratch: scratch, http: http, progress: progress}, nil
	}
	return nil, e.InField("git.url").Because(err)
}

var (
	fullCommit = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	})
	someCommit = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	})
)

// CheckRef checks whether ref can be a branch, tag or commit. Errors: left4me.Invalid.
func CheckRef(ref string) error {
	bad := func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	}
	if len(ref) > 250 || strings.HasPrefix(ref, "-") || strings.HasPrefix(ref, "/") || strings.HasSuffix(ref, "/") ||
		strings.HasSuffix(ref, ".lock") || strings.HasSuffix(ref, ".") ||
		strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.Contains(ref, "//") || strings.Contains(ref, "/.") ||
		strings.HasPrefix(ref, ".") || strings.ContainsFunc(ref, bad) {
		return left4me.NewError(left4me.Invalid, "git.ref_invalid", "ref", ref).InField("git.ref")
	}
	return nil
}

// Find returns the commit for a branch, a tag or an abbreviated commit ID; an empty ref means the
// default branch. Errors: left4me.Invalid, left4me.NotFound, left4me.Unavailable.
func (r *Repository) Find(ctx context.Context, ref string) (commit string, err error) {
	if err := CheckRef(ref); err != nil {
		return "", err
	}
	if fullCommit().MatchString(ref) {
		return ref, nil // fetching it shows whether it exists
	}
	ctx, cancel := within(ctx, findWithin)
	defer cancel()
	g, err := r.begin(ctx, "look")
	if err != nil {
		return "", err
	}
	defer g.close()
	names := []string{"HEAD"}
	if ref != "" {
		names = []string{"refs/tags/" + ref + "^{}", "refs/tags/" + ref, "refs/heads/" + ref}
		if strings.HasPrefix(ref, "refs/") {
			names = []string{ref + "^{}", ref}
		}
	}
	out, err := g.run("ls-remote", append([]string{"--quiet", "--", g.proxy.url}, names...)...)
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if fullCommit().MatchString(id) {
			found[name] = id
		}
	}
	for _, n := range names {
		if found[n] != "" {
			return found[n], nil
		}
	}
	switch {
	case ref == "":
		return "", left4me.NewError(left4me.NotFound, "git.empty", "url", r.url)
	case someCommit().MatchString(ref):
		return r.complete(g, ref)
	}
	return "", left4me.NewError(left4me.NotFound, "git.ref_unknown", "url", r.url, "ref", ref).InField("git.ref")
}

// complete finds a commit by a prefix of its ID. It fetches the history, but no trees and files.
func (r *Repository) complete(g *session, ref string) (string, error) {
	_, err := g.run("fetch", "--quiet", "--no-tags", "--filter=tree:0", "--", g.proxy.url, "+refs/heads/*:refs/heads/*",
		"+refs/tags/*:refs/tags/*")
	if err != nil {
		return "", err
	}
	out, err := g.run("rev-parse", "--verify", "--end-of-options", ref+"^{commit}")
	switch id := strings.TrimSpace(out); {
	case err == nil && fullCommit().MatchString(id):
		return id, nil
	case err != nil && strings.Contains(err.Error(), "ambiguous"):
		return "", left4me.NewError(left4me.Invalid, "git.commit_ambiguous", "url", r.url, "ref", ref).InField("git.ref")
	}
	return "", noCommit(r.url, ref)
}

func noCommit(address, ref string) error {
	return left4me.NewError(left4me.NotFound, "git.commit_unknown", "url", address, "ref", ref).InField("git.ref")
}

// Archive writes a commit, or a directory of it, as a tar file. Errors: left4me.NotFound,
// left4me.Unavailable.
func (r *Repository) Archive(ctx context.Context, commit, dir, file string) error {
	if !fullCommit().MatchString(commit) {
		return noCommit(r.url, commit)
	}
	ctx, cancel := within(ctx, fetchWithin)
	defer cancel()
	g, err := r.begin(ctx, "fetch")
	if err != nil {
		return err
	}
	defer g.close()
	// Fetch without the history if the server allows requests for single commits.
	_, err = g.run("fetch", "--quiet", "--no-tags", "--depth=1", "--", g.proxy.url, commit)
	if errors.Is(err, errNotOffered) {
		_, err = g.run("fetch", "--quiet", "--no-tags", "--", g.proxy.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	}
	if err != nil {
		return err
	}
	if _, err := g.run("rev-parse", "--quiet", "--verify", "--end-of-options", commit+"^{commit}"); err != nil {
		return noCommit(r.url, commit)
	}
	tree := commit
	if dir = strings.Trim(filepath.ToSlash(filepath.Clean(dir)), "/"); dir != "" && dir != "." {
		tree = commit + ":" + dir
		if out, err := g.run("cat-file", "-t", tree); err != nil || strings.TrimSpace(out) != "tree" {
			return left4me.NewError(left4me.NotFound, "git.directory_unknown", "url", r.url, "dir", dir, "commit",
				commit).InField("git.subdir")
		}
	}
	return g.archive(tree, file)
}

// within adds a timeout to a context. The cause is an error for users.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d,
		left4me.NewError(left4me.Unavailable, "git.timeout", "within", d))
}

// Available returns why repositories can't be used on this host, or nil.
func Available() error {
	if _, err := find(); err != nil {
		return err
	}
	return nil
}

// begin creates an empty repository and a proxy for it.
func (r *Repository) begin(ctx context.Context, name string) (*session, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.scratch, name+".git")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	g := &session{ctx: ctx, program: program, dir: dir, home: r.scratch, url: r.url}
	if _, err := g.run("init", "--quiet", "--bare", "--template=", "--", dir); err != nil {
		return nil, err
	}
	if g.proxy, err = listen(ctx, r.url, r.http, r.progress); err != nil {
		return nil, err
	}
	return g, nil
}
