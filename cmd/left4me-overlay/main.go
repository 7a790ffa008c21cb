// Command left4me-overlay mounts and unmounts the layers of a server. It is the only part of left4me
// that runs as root. The unit left4me-mount@NAME starts it:
//
//	left4me-overlay mount NAME
//	left4me-overlay umount NAME
//	left4me-overlay check NAME
//
// mount and umount succeed if there is nothing to do. check prints what mount would mount, as JSON, and
// changes nothing. There are no other arguments: the root directory is LEFT4ME_ROOT in root's
// environment, and the layers are read from instances/NAME/instance.env there. That file is untrusted;
// package overlayfs validates it. The program is never setuid.
//
// Exit status: 0 on success; 1 if it refused or failed, with one line that gives the reason; 2 for
// wrong usage.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	defaultRoot = "/var/lib/left4me"

	exitFailed = 1
	exitMisuse = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) != 2 || args[0] != "mount" && args[0] != "umount" && args[0] != "check" {
		fmt.Fprintln(stderr, "usage: left4me-overlay mount|umount|check NAME")
		return exitMisuse
	}
	said, err := act(args[0], left4me.Name(args[1]), getenv("LEFT4ME_ROOT"))
	if err == nil {
		fmt.Fprint(stdout, said)
		return 0
	}
	line := oneLine(err.Error())
	fmt.Fprintln(stderr, "left4me-overlay:", line)
	setUnitStatus(getenv("NOTIFY_SOCKET"), line)
	return exitFailed
}

// act executes a command and returns its output.
func act(verb string, name left4me.Name, dir string) (string, error) {
	if os.Getuid() != 0 || os.Geteuid() != 0 {
		return "", errors.New("only root may run it, and not by setuid")
	}
	dir = cmp.Or(dir, defaultRoot)
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("LEFT4ME_ROOT: %q is not an absolute path", dir)
	}
	root, err := overlayfs.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	defer root.Close()
	switch verb {
	case "mount":
		return "", root.Mount(name)
	case "umount":
		lazily, err := root.Release(name)
		if err == nil && lazily {
			return fmt.Sprintf("unmount %s: processes still read it: detached until they close their files\n", name), nil
		}
		return "", err
	}
	view, err := root.Check(name)
	if err != nil {
		return "", err
	}
	b, err := json.MarshalIndent(view, "", "  ")
	return string(b) + "\n", err
}

// oneLine escapes the characters with which a name in a message could imitate another message.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// setUnitStatus sets the status of the unit (sd_notify(3)) to the reason of a failure. The user left4me, who may
// not read the journal, can then show it to users; otherwise they are referred to the journal.
func setUnitStatus(socket, line string) {
	if socket == "" {
		return
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = unix.Sendto(fd, []byte("STATUS="+line), unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: socket})
}
