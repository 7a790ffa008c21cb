package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// unitWithin limits the time for systemd to report the state of a unit.
const unitWithin = 3 * time.Second

// docDir is the directory of the package's documentation.
const docDir = "/usr/share/doc/left4me"

// document returns the path of a documentation page on this machine.
func document(name string) string {
	if _, err := os.Stat(filepath.Join(docDir, name)); err == nil {
		return filepath.Join(docDir, name)
	}
	return "docs/" + name
}

// advice returns the hints for the user of this process. args are the arguments of the command.
func advice(args []string) apiclient.Advice {
	reader := remedy.Here()
	words := []string{"left4me"}
	for _, a := range args {
		if a == "--token" || strings.HasPrefix(a, "--token=") {
			words = nil // do not show a secret
			break
		}
		words = append(words, left4me.ShellWord(a))
	}
	return apiclient.Advice{
		Start:   func() string { return startHint(reader, os.Getenv) },
		Down:    func() bool { return unitDown(os.Getenv) },
		AsRoot:  func(commands ...string) string { return reader.AsRoot(commands...).String() },
		Command: strings.Join(words, " "),
	}
}

// underSystemd reports whether left4me with this root directory is a systemd unit here.
func underSystemd(root string) bool {
	if !remedy.Systemd() || root != defaultRoot {
		return false
	}
	for _, dir := range []string{"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		if _, err := os.Stat(filepath.Join(dir, unitName)); err == nil {
			return true
		}
	}
	return false
}

// unitDown reports whether left4me is a unit here that is not running. Every user may query systemd,
// even without access to left4me's socket.
func unitDown(getenv func(string) string) bool {
	root, _, err := directories(getenv)
	if err != nil || !underSystemd(root) {
		return false
	}
	return unitState(context.Background()) == unitNotUp
}

// state is the state of left4me's unit according to systemd.
type state int

const (
	unitUnknown state = iota
	unitUp
	unitNotUp
)

func unitState(ctx context.Context) state {
	ctx, cancel := context.WithTimeout(ctx, unitWithin)
	defer cancel()
	err := exec.CommandContext(ctx, "systemctl", "is-active", "--quiet", unitName).Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return unitUp
	case errors.As(err, &exit) && ctx.Err() == nil:
		return unitNotUp
	}
	return unitUnknown
}

// startHint returns the command that starts left4me on this machine.
func startHint(reader remedy.Reader, getenv func(string) string) string {
	root, _, err := directories(getenv)
	if err != nil {
		root = defaultRoot
	}
	if !underSystemd(root) {
		return "`" + serveCommandLine(root, getenv) + "`"
	}
	if _, err := os.Stat(packagedEnv); errors.Is(err, fs.ErrNotExist) {
		return reader.AsRoot("left4me setup").String()
	}
	return reader.AsRoot("systemctl start left4me").String()
}

// serveCommandLine returns a shell command for serve, with the settings that the environment lacks: a
// root directory that this user may write to, and a secret key.
func serveCommandLine(root string, getenv func(string) string) string {
	var words []string
	switch said, _, err := directories(getenv); {
	case !writable(root):
		words = append(words, "LEFT4ME_ROOT=~/left4me")
	case err != nil || said != root: // set by a flag
		words = append(words, "LEFT4ME_ROOT="+left4me.ShellWord(root))
	}
	if getenv("LEFT4ME_SECRET_KEY_FILE") == "" && accounts.CheckSecret(getenv("LEFT4ME_SECRET_KEY")) != nil {
		words = append(words, "LEFT4ME_SECRET_KEY=$("+keyCommand()+")")
	}
	return strings.Join(append(words, "left4me serve"), " ")
}

// keyCommand returns a command that creates a secret key with the programs on this machine.
func keyCommand() string {
	if remedy.Has("openssl") {
		return "openssl rand -hex 32"
	}
	return `od -An -vtx1 -N32 /dev/urandom | tr -d ' \n'`
}

// writable reports whether this user may use a directory as left4me's root, or create it.
func writable(root string) bool {
	for at := root; ; at = filepath.Dir(at) {
		var st unix.Stat_t
		err := unix.Stat(at, &st)
		if errors.Is(err, fs.ErrNotExist) && at != "/" {
			continue
		}
		owned := at != root || st.Uid == uint32(os.Geteuid())
		return err == nil && owned && unix.Access(at, unix.W_OK) == nil
	}
}

// secretError describes what is wrong with the secret key and how to create a valid one on this
// machine.
func secretError(root string, reader remedy.Reader, err error) error {
	hint := "`export LEFT4ME_SECRET_KEY=$(" + keyCommand() + ")`"
	if underSystemd(root) {
		hint = reader.AsRoot("left4me setup").String() + " creates a key unless " + packagedEnv + " contains one"
	}
	if public, told := left4me.Public(err); told {
		return left4me.NewError(public.Kind, "secret_key.refused", "error", public, "hint", hint).Because(err)
	}
	return fmt.Errorf("LEFT4ME_SECRET_KEY: %w", err)
}
