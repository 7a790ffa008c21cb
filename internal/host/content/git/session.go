package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	maxOutput      = 64 << 10 // limit for git's output, in bytes
	maxMemory      = 4 << 30  // address space in bytes: git unpacks objects in memory
	checkDiskEvery = 64 << 20
)

// errNotOffered means that the server doesn't allow requests for this commit by its ID.
var errNotOffered = errors.New("the server doesn't give that commit alone")

func find() (string, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return "", left4me.NewError(left4me.Unavailable, "git.not_installed", "command",
			remedy.Reader{}.Install("git").String()).Because(err)
	}
	return program, nil
}

// session is a local repository with a proxy to its origin.
type session struct {
	ctx     context.Context
	program string
	dir     string
	home    string
	url     string // address for messages
	proxy   *proxy
}

func (g *session) close() {
	if g.proxy != nil {
		g.proxy.close()
	}
	_ = os.RemoveAll(g.dir)
}

// settings is the complete configuration of git.
var settings = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.bigFileThreshold=16m", "core.askPass=", "credential.helper=",
	"transfer.fsckObjects=true", "transfer.bundleURI=false", "fetch.recurseSubmodules=false", "fetch.writeCommitGraph=false",
	"submodule.recurse=false",
	"gc.auto=0", "maintenance.auto=false", "pack.threads=1", "protocol.allow=never", "protocol.http.allow=always", "protocol.version=2",
	"http.followRedirects=false", "http.proxy=", "http.noEPSV=true", "http.emptyAuth=false", "advice.detachedHead=false",
	"init.defaultBranch=main", "safe.bareRepository=all",
	// Old repositories have these defects, which are harmless.
	"fetch.fsck.zeroPaddedFilemode=warn", "fetch.fsck.missingSpaceBeforeDate=warn", "fetch.fsck.missingTaggerEntry=ignore",
	"fetch.fsck.badTimezone=warn", "fetch.fsck.missingSpaceBeforeEmail=warn", "fetch.fsck.missingEmail=warn",
	"fetch.fsck.zeroPaddedDate=warn",
}

func (g *session) command(verb string, args ...string) *exec.Cmd {
	line := []string{"-c", fmt.Sprintf(`ulimit -v %d; ulimit -c 0; exec "$@"`, maxMemory>>10), "git", g.program, "--git-dir=" + g.dir}
	for _, s := range settings {
		line = append(line, "-c", s)
	}
	cmd := exec.CommandContext(g.ctx, "/bin/sh", append(append(line, verb), args...)...)
	cmd.Dir = g.home
	cmd.Env = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + g.home, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_ALLOW_PROTOCOL=http", "GIT_PROTOCOL_FROM_USER=0", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_LFS_SKIP_SMUDGE=1", "no_proxy=*",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs git and returns its output.
func (g *session) run(verb string, args ...string) (string, error) {
	cmd := g.command(verb, args...)
	var out, output limited
	cmd.Stdout, cmd.Stderr = &out, &output
	if err := cmd.Run(); err != nil {
		return "", g.cause(verb, err, output.String())
	}
	return out.String(), nil
}

// archive writes a tree as a tar file, as far as there is enough disk space.
func (g *session) archive(tree, file string) error {
	cmd := g.command("archive", "--format=tar", "--end-of-options", tree)
	var output limited
	cmd.Stderr = &output
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := cmd.Start(); err != nil {
		return err
	}
	wrong := copyTree(to, pipe)
	if wrong != nil {
		_ = cmd.Cancel()
	}
	err = cmd.Wait()
	switch {
	case wrong != nil:
		return wrong
	case err != nil:
		return g.cause("archive", err, output.String())
	}
	return to.Close()
}

func copyTree(to *os.File, from io.Reader) error {
	for n := int64(0); n <= maxTree; n += checkDiskEvery {
		if sandbox.Full(to.Name()) {
			return sandbox.ErrFull
		}
		_, err := io.CopyN(to, from, checkDiskEvery)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case disk.IsFull(err):
			return sandbox.ErrFull
		case err != nil:
			return err
		}
	}
	return left4me.NewError(left4me.Unavailable, "git.unpacks_too_large", "limit", left4me.Bytes(maxTree))
}

var secretPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`http://127\.0\.0\.1:\d+/[0-9a-z]+`)
})

// cause converts a failure of git into an error that users can act on.
func (g *session) cause(verb string, err error, output string) error {
	if g.ctx.Err() != nil {
		return context.Cause(g.ctx)
	}
	if g.proxy != nil {
		if err := g.proxy.failure(); err != nil {
			return err
		}
	}
	output = secretPath().ReplaceAllString(strings.TrimSpace(output), g.url)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(output, w) {
				return true
			}
		}
		return false
	}
	why := fmt.Errorf("git %s: %w: %s", verb, err, output)
	switch {
	case has("not our ref", "unadvertised object", "Server does not allow request"):
		return errNotOffered
	case has("fsck error", "error in object", "bad object", "broken links", "unresolved deltas", "inflate", "invalid index-pack output",
		"pack has bad", "pack is corrupted"):
		return left4me.NewError(left4me.Unavailable, "git.broken_objects", "url", g.url, "reason", last(output)).Because(why)
	case has("out of memory", "Out of memory", "unable to mmap", "Cannot allocate"):
		return left4me.NewError(left4me.Unavailable, "git.object_too_large", "url", g.url).Because(why)
	case has("No space left", "Disk quota"):
		return sandbox.ErrFull
	case has("early EOF", "unexpected disconnect", "hung up", "RPC failed"):
		return left4me.NewError(left4me.Unavailable, "git.cut_off", "url", g.url, "reason", last(output)).Because(why)
	}
	return left4me.NewError(left4me.Unavailable, "git.failed", "verb", verb, "reason", last(output)).Because(why)
}

// last returns the most informative line: that of the fatal error.
func last(output string) string {
	lines := strings.Split(output, "\n")
	best := lines[len(lines)-1]
	for _, l := range lines {
		if strings.HasPrefix(l, "fatal: ") || strings.HasPrefix(l, "error: ") {
			best = l
			break
		}
	}
	_, best, _ = strings.Cut(" "+best, " ")
	return fmt.Sprintf("%.300s", strings.ToValidUTF8(best, "?"))
}

// limited stores the first maxOutput bytes written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), maxOutput-l.Len())])
	return len(p), nil
}
