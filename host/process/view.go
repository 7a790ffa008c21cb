package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/host/build"
	"github.com/left4me/left4me/host/view"
)

// tmpName is a build's /tmp, in its directory.
const tmpName = "tmp"

// enclose makes what a script sees of the file system: all of it read-only and as
// it is, but for what is hidden, its directory, and a /tmp of its own. What is
// mounted here nobody else sees, and nobody who comes later can take away.
func enclose(root, run, dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	if err := ownProcesses(); err != nil {
		return err
	}
	// What will be seen is held before it is hidden.
	shown := append([]view.Part{{From: dir, ReadOnly: true}}, view.Resolver()...)
	for _, name := range []string{build.OutName, build.LogName, build.EndName} {
		shown = append(shown, view.Part{From: filepath.Join(dir, name)})
	}
	tmp := filepath.Join(dir, tmpName)
	temporary := []view.Part{{From: tmp, To: "/tmp"}, {From: tmp, To: "/var/tmp"}}
	closeTemporary, err := view.HoldAll(temporary)
	if err != nil {
		return err
	}
	defer closeTemporary()
	closeShown, err := view.HoldAll(shown)
	if err != nil {
		return err
	}
	defer closeShown()
	if err := view.ReadOnly(); err != nil {
		return err
	}
	if err := view.PutAll(temporary); err != nil {
		return err
	}
	covers, err := view.Hide(append(view.Private(), root, run))
	if err != nil {
		return err
	}
	if err := view.PutAll(shown); err != nil {
		return err
	}
	if err := view.Seal(covers); err != nil {
		return err
	}
	if err := view.Temporary("/dev/shm", "size=256m,mode=1777"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Chdir("/")
}

// ownProcesses makes /proc that of the sandbox, in which no further one can be
// made.
func ownProcesses() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	return nil
}
