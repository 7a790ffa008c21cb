package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/running/mountns"
)

// tmpName is the subdirectory of a build that is mounted as its /tmp.
const tmpName = "tmp"

// enclose builds a script's view of the file system: everything read-only and private directories
// hidden, except for the build's directory and a private /tmp. Other namespaces don't see these mounts,
// and processes in the sandbox can't remove them.
func enclose(root, run, dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	if err := ownProcesses(); err != nil {
		return err
	}
	// Open the parts that stay visible before covers hide them.
	shown := append([]mountns.Part{{From: dir, ReadOnly: true}}, mountns.Resolver()...)
	for _, name := range []string{sandbox.OutName, sandbox.LogName, sandbox.EndName} {
		shown = append(shown, mountns.Part{From: filepath.Join(dir, name)})
	}
	tmp := filepath.Join(dir, tmpName)
	temporary := []mountns.Part{{From: tmp, To: "/tmp"}, {From: tmp, To: "/var/tmp"}}
	closeTemporary, err := mountns.HoldAll(temporary)
	if err != nil {
		return err
	}
	defer closeTemporary()
	closeShown, err := mountns.HoldAll(shown)
	if err != nil {
		return err
	}
	defer closeShown()
	if err := mountns.ReadOnly(); err != nil {
		return err
	}
	if err := mountns.PutAll(temporary); err != nil {
		return err
	}
	covers, err := mountns.Hide(append(mountns.Private(), root, run))
	if err != nil {
		return err
	}
	if err := mountns.PutAll(shown); err != nil {
		return err
	}
	if err := mountns.Seal(covers); err != nil {
		return err
	}
	if err := mountns.Temporary("/dev/shm", "size=256m,mode=1777"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Chdir("/")
}

// ownProcesses mounts the sandbox's /proc and forbids further user namespaces.
func ownProcesses() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	return nil
}
