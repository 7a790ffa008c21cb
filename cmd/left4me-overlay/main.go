// Command left4me-overlay mounts and unmounts the layers of a server. It is the
// only code of left4me that runs as root, started by left4me-mount@NAME:
//
//	left4me-overlay mount NAME
//	left4me-overlay umount NAME
//
// Both are a success when there is nothing to do. It takes nothing else: where
// everything stands comes from LEFT4ME_ROOT in the environment of root, and
// what is mounted from instances/NAME/instance.env there, which it believes
// nothing of (package overlayfs). It is never setuid.
//
// Exit status: 0 done; 1 refused or failed, with one line that says why; 2 it
// was called wrongly.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/overlayfs"
)

const (
	defaultRoot = "/var/lib/left4me"

	exitFailed = 1
	exitMisuse = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stderr))
}

func run(args []string, getenv func(string) string, stderr io.Writer) int {
	if len(args) != 2 || args[0] != "mount" && args[0] != "umount" {
		fmt.Fprintln(stderr, "usage: left4me-overlay mount NAME, or left4me-overlay umount NAME")
		return exitMisuse
	}
	err := act(args[0], left4me.Name(args[1]), getenv("LEFT4ME_ROOT"))
	if err == nil {
		return 0
	}
	line := strings.ReplaceAll(err.Error(), "\n", " ")
	fmt.Fprintln(stderr, "left4me-overlay:", line)
	tell(getenv("NOTIFY_SOCKET"), line)
	return exitFailed
}

func act(verb string, name left4me.Name, dir string) error {
	if os.Getuid() != 0 || os.Geteuid() != 0 {
		return errors.New("only root may run it, and not by setuid")
	}
	if dir == "" {
		dir = defaultRoot
	}
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("LEFT4ME_ROOT: %q is not an absolute path", dir)
	}
	root, err := overlayfs.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	defer root.Close()
	if verb == "mount" {
		return root.Mount(name)
	}
	return root.Unmount(name)
}

// tell puts the reason into the status of our unit (sd_notify(3)): so the user
// left4me can show it to people, who may not read the journal. Without it they
// are told to look there.
func tell(socket, line string) {
	if socket == "" {
		return
	}
	if conn, err := net.Dial("unixgram", socket); err == nil {
		_, _ = io.WriteString(conn, "STATUS="+line)
		_ = conn.Close()
	}
}
