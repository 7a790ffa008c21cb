package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// ProbeCommand is the subcommand of left4me that calls [Probe].
const ProbeCommand = "probe-overlay"

const probed = "probe" // name of the server whose stack is mounted

// probe is the result of mounting a test overlay.
type probe struct {
	ByFD  bool   `json:"by_fd"` // the kernel accepts descriptors as layers
	Error string `json:"error"`
}

// tryOverlay mounts a small stack as the shim would: in its own namespaces and on the servers' file
// system.
func tryOverlay(ctx context.Context, cfg Config) []left4me.Check {
	const name = "overlay"
	dir := ".doctor-" + rand.Text()
	where := cfg.Root
	top, err := makeIn(where, dir)
	if err != nil {
		where = os.TempDir()
		top, err = makeIn(where, dir)
	}
	if err != nil {
		return []left4me.Check{left4me.NewCheck(left4me.CheckWarn, name, "overlay.not_tested", "reason", err)}
	}
	defer top.Close()
	defer removeAll(top, dir)
	if err := layStack(top, dir); err != nil {
		return []left4me.Check{left4me.NewCheck(left4me.CheckWarn, name, "overlay.not_tested", "reason", left4me.ReasonOf(err))}
	}
	p, err := runProbe(ctx, cfg.Exe, filepath.Join(where, dir))
	if err != nil || p.Error != "" {
		return []left4me.Check{refusal(cfg, p, err, where)}
	}
	layers := left4me.NewCheck(left4me.CheckOK, "layers", "layers.by_descriptor")
	if !p.ByFD {
		layers = left4me.NewCheck(left4me.CheckOK, "layers", "layers.by_mount")
	}
	return []left4me.Check{left4me.NewCheck(left4me.CheckOK, name, "overlay.ok", "path", where), layers}
}

// refusal explains why this user can mount no overlay, and names the kernel setting that prevents
// it. Servers that systemd starts don't depend on this user: it is a warning then.
func refusal(cfg Config, p probe, err error, where string) left4me.Check {
	const name = "overlay"
	state, supervisor := left4me.CheckBroken, any(nil)
	if cfg.Systemd == nil {
		state, supervisor = left4me.CheckWarn, "systemd"
	}
	reason := left4me.ReasonOf(err)
	if err == nil {
		reason = p.Error
	}
	if os.Geteuid() == 0 && err != nil {
		return left4me.NewCheck(state, name, "overlay.container", "reason", reason, "supervisor", supervisor)
	}
	for _, s := range namespaceSettings {
		if sysctl(s.name) == s.disabled {
			return left4me.NewCheck(state, name, "overlay.namespaces_disabled", "reason", reason, "setting", s.name,
				"supervisor", supervisor, "command", cfg.Reader.AsRoot("sysctl "+s.name+"="+s.enabled))
		}
	}
	if err == nil {
		return left4me.NewCheck(state, name, "overlay.mount_failed", "path", where, "reason", reason, "supervisor", supervisor)
	}
	return left4me.NewCheck(state, name, "overlay.no_namespaces", "reason", reason, "supervisor", supervisor)
}

// namespaceSettings are the kernel settings that keep ordinary users from creating user namespaces.
var namespaceSettings = []struct{ name, disabled, enabled string }{
	{"kernel.unprivileged_userns_clone", "0", "1"},
	{"user.max_user_namespaces", "0", "10000"},
	{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"}, // AppArmor's
}

func sysctl(name string) string {
	b, err := os.ReadFile(filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/")))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// makeIn opens the directory where and creates dir in it. It may run as root in a directory of
// left4me's user, who can replace any entry at any time. All files must therefore be accessed
// through the returned root, which no symbolic link leaves.
func makeIn(where, dir string) (*os.Root, error) {
	top, err := os.OpenRoot(where)
	if err != nil {
		return nil, err
	}
	if err := top.Mkdir(dir, 0o700); err != nil {
		top.Close()
		return nil, err
	}
	return top, nil
}

// layStack creates the directories of a server with one layer.
func layStack(top *os.Root, dir string) error {
	root := instance.Root(dir)
	base := filepath.Join(root.Installation(), "base")
	for _, d := range []string{
		base, root.Instance(probed), root.Upper(probed), filepath.Join(root.Runtime(probed), "work"),
		root.Merged(probed),
	} {
		if err := top.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	env, err := instance.Env{Port: 27015, Lowerdirs: []string{"installation/base"}}.Append(nil)
	if err != nil {
		return err
	}
	return errors.Join(
		top.WriteFile(filepath.Join(base, "file"), []byte("base"), 0o600),
		top.WriteFile(root.Env(probed), env, 0o600))
}

// removeAll removes a tree. overlayfs may have left a directory without permissions in it.
func removeAll(top *os.Root, dir string) {
	_ = top.Chmod(filepath.Join(instance.Root(dir).Runtime(probed), "work", "work"), 0o700)
	_ = top.RemoveAll(dir)
}

// runProbe runs [Probe] in a process with its own namespaces.
func runProbe(ctx context.Context, exe, dir string) (probe, error) {
	var p probe
	cmd := exec.CommandContext(ctx, exe, ProbeCommand, dir)
	cmd.Env = os.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := shim.Isolate(cmd); err != nil {
		return p, err
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		err = shim.NotIsolated(err)
		if text := strings.TrimSpace(said.String()); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return p, err
	}
	return p, json.Unmarshal(out.Bytes(), &p)
}

// Probe mounts the stack under dir, uses it, and writes the result to stdout as JSON. It must run
// in its own mount namespace, whose end removes the mount.
func Probe(dir string) error {
	p := probe{ByFD: takesDescriptors(dir)}
	if err := useStack(dir); err != nil {
		p.Error = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(p)
}

func useStack(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	r, err := overlayfs.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Mount(probed); err != nil {
		return err
	}
	top, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer top.Close()
	file := filepath.Join(instance.Root("").Merged(probed), "file")
	b, err := top.ReadFile(file)
	if err == nil && string(b) != "base" {
		err = errors.New("it does not show its layers")
	}
	if err == nil {
		err = errors.Join(top.WriteFile(file, []byte("own"), 0o600), top.Remove(file))
	}
	return err
}

// takesDescriptors reports whether the kernel accepts a descriptor as a layer.
func takesDescriptors(dir string) bool {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fs)
	d, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer d.Close()
	return unix.FsconfigSetFd(fs, "lowerdir+", int(d.Fd())) == nil
}
