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

// unitWithin is how long systemd may take to say whether a unit runs.
const unitWithin = 3 * time.Second

// docDir is where the package puts the documentation.
const docDir = "/usr/share/doc/left4me"

// document is where a page of the documentation is on this machine.
func document(name string) string {
	if _, err := os.Stat(filepath.Join(docDir, name)); err == nil {
		return filepath.Join(docDir, name)
	}
	return "docs/" + name
}

// advice words hints for the user of this process, who typed args.
func advice(args []string) apiclient.Advice {
	reader := remedy.Here()
	words := []string{"left4me"}
	for _, a := range args {
		if a == "--token" || strings.HasPrefix(a, "--token=") {
			words = nil // a secret isn't shown
			break
		}
		words = append(words, left4me.ShellWord(a))
	}
	return apiclient.Advice{
		Start:   func() string { return startHint(reader, os.Getenv) },
		Down:    func() bool { return unitDown(os.Getenv) },
		AsRoot:  reader.AsRoot,
		Command: strings.Join(words, " "),
	}
}

// underSystemd reports whether left4me of this root is a unit of systemd here.
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

// unitDown reports whether left4me is a unit here that does not run. Anybody may
// ask systemd for that, also who may not look for left4me's socket.
func unitDown(getenv func(string) string) bool {
	root, _, err := directories(getenv)
	if err != nil || !underSystemd(root) {
		return false
	}
	return unitState(context.Background()) == unitNotUp
}

// state is what systemd says of left4me's unit.
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

// startHint words how left4me is started on this machine.
func startHint(reader remedy.Reader, getenv func(string) string) string {
	root, _, err := directories(getenv)
	if err != nil {
		root = defaultRoot
	}
	if !underSystemd(root) {
		return "`" + serveCommandLine(root, getenv) + "`"
	}
	if _, err := os.Stat(packagedEnv); errors.Is(err, fs.ErrNotExist) {
		return reader.AsRoot("left4me setup")
	}
	return reader.AsRoot("systemctl start left4me")
}

// serveCommandLine is serve for a shell, with what the environment lacks: a root
// that this user may write to, and a secret key.
func serveCommandLine(root string, getenv func(string) string) string {
	var words []string
	switch said, _, err := directories(getenv); {
	case !writable(root):
		words = append(words, "LEFT4ME_ROOT=~/left4me")
	case err != nil || said != root: // a flag said so
		words = append(words, "LEFT4ME_ROOT="+left4me.ShellWord(root))
	}
	if getenv("LEFT4ME_SECRET_KEY_FILE") == "" && accounts.CheckSecret(getenv("LEFT4ME_SECRET_KEY")) != nil {
		words = append(words, "LEFT4ME_SECRET_KEY=$("+keyCommand()+")")
	}
	return strings.Join(append(words, "left4me serve"), " ")
}

// keyCommand makes a secret key with what is on this machine.
func keyCommand() string {
	if remedy.Has("openssl") {
		return "openssl rand -hex 32"
	}
	return `od -An -vtx1 -N32 /dev/urandom | tr -d ' \n'`
}

// writable reports whether this user may use a directory as left4me's root, or
// make it.
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

// secretError says what is wrong with the secret key, and how this machine gets a
// good one.
func secretError(root string, reader remedy.Reader, err error) error {
	hint := "`export LEFT4ME_SECRET_KEY=$(" + keyCommand() + ")`"
	if underSystemd(root) {
		hint = reader.AsRoot("left4me setup") + " makes one, unless " + packagedEnv + " has one already"
	}
	if public, told := left4me.Public(err); told {
		return left4me.NewError(public.Kind, "secret_key.refused", "error", public, "hint", hint).Because(err)
	}
	return fmt.Errorf("LEFT4ME_SECRET_KEY: %w", err)
}
