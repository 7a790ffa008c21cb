package overlayfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

// ErrBusy is the target of errors.Is for a mount that could not be taken away
// because something still writes to it.
var ErrBusy = errors.New("busy")

const overlayMagic = 0x794c7630

// Mounted reports whether an overlay is mounted where a server sees its stack.
// It decides nothing about safety, so that it works also where a sandbox has
// made the root of several mounts.
func (r *Root) Mounted(n left4me.Name) (bool, error) {
	if !n.Valid() {
		return false, fmt.Errorf("%q is not a name: %w", string(n), ErrRefused)
	}
	// What is mounted on the last step is what we want to see.
	f, err := r.resolve(path.Join("runtime", string(n), "merged"), unix.O_PATH|unix.O_DIRECTORY, beneath)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return isOverlay(f)
}

// isOverlay reports whether f is where an overlay is mounted. The type alone
// doesn't say so: the root itself may stand on an overlay.
func isOverlay(f *os.File) (bool, error) {
	var fs unix.Statfs_t
	var st unix.Statx_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return false, err
	}
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, 0, &st); err != nil {
		return false, err
	}
	return fs.Type == overlayMagic && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}

// Mount mounts a server's stack; one that is mounted already is success. It
// needs CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_CHOWN and CAP_FOWNER over the mount
// namespace that it acts in, and the overlay keeps those of them that it uses:
// they are what it reaches its layers with for as long as it lives.
func (r *Root) Mount(n left4me.Name) error {
	if mounted, err := r.Mounted(n); err == nil && mounted {
		return nil
	}
	s, err := r.Plan(n)
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.mountByFD()
	if errors.Is(err, errNoLayerFD) {
		byName := s.mountByName()
		if byName == nil {
			return nil
		}
		// The kernel gives its reasons only the first way.
		err = fmt.Errorf("%w; before that: %w", byName, err)
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", n, err)
	}
	return nil
}

// errNoLayerFD says that the kernel takes no descriptors as layers: before 6.13.
var errNoLayerFD = errors.New("the kernel takes no descriptors as layers")

// mountByFD uses the new mount API: nothing in it is a path.
func (s *Stack) mountByFD() error {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	for i, l := range s.Lower {
		if err := unix.FsconfigSetFd(fs, "lowerdir+", int(l.dir.Fd())); err != nil {
			if i == 0 && (errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EBADF) || errors.Is(err, unix.EINVAL)) {
				return fmt.Errorf("%w: %w", errNoLayerFD, reason(fs, err))
			}
			return fmt.Errorf("layer %q: %w", l.Path, reason(fs, err))
		}
	}
	if err := unix.FsconfigSetFd(fs, "upperdir", int(s.upper.Fd())); err != nil {
		return fmt.Errorf("upper: %w", reason(fs, err))
	}
	if err := unix.FsconfigSetFd(fs, "workdir", int(s.work.Fd())); err != nil {
		return fmt.Errorf("work: %w", reason(fs, err))
	}
	if err := unix.FsconfigSetFlag(fs, "userxattr"); err != nil {
		return fmt.Errorf("userxattr: %w", reason(fs, err))
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return fmt.Errorf("create: %w", reason(fs, err))
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return fmt.Errorf("fsmount: %w", reason(fs, err))
	}
	// An open descriptor of the mount would make it busy.
	defer unix.Close(mnt)
	if err := unix.MoveMount(mnt, "", int(s.merged.Fd()), "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return nil
}

// reason adds what the kernel says about a failed step.
func reason(fs int, err error) error {
	var buf [1024]byte
	n, rerr := unix.Read(fs, buf[:])
	if rerr != nil || n < 3 {
		return err
	}
	return fmt.Errorf("%w (%s)", err, strings.TrimSpace(string(buf[2:n])))
}

// mountByName is for older kernels: mount(2) with names of descriptors, relative
// to /proc/self/fd as the working directory, so that 500 of them fit the one
// page that it takes and none is a path that can be changed.
func (s *Stack) mountByName() error {
	done := make(chan error, 1)
	go func() {
		// The working directory becomes this thread's own, and the thread ends
		// with the goroutine because it is never unlocked.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			done <- fmt.Errorf("unshare: %w", err)
			return
		}
		done <- s.mountIn("/proc/thread-self/fd")
	}()
	return <-done
}

func (s *Stack) mountIn(dir string) error {
	if err := unix.Chdir(dir); err != nil {
		return err
	}
	name := func(f *os.File) string { return strconv.Itoa(int(f.Fd())) }
	lower := make([]string, len(s.Lower))
	for i, l := range s.Lower {
		lower[i] = name(l.dir)
	}
	data := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + name(s.upper) + ",workdir=" + name(s.work) + ",userxattr"
	if err := unix.Mount("overlay", name(s.merged), "overlay", unix.MS_NOSUID|unix.MS_NODEV, data); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// Unmount takes a server's stack away and removes what overlayfs left in its
// work directory; one that is not mounted is success. A mount that is in use by
// readers is made read-only and taken away lazily; one that is written to stays,
// because mounting the same upper directory twice destroys it: that is ErrBusy.
func (r *Root) Unmount(n left4me.Name) error {
	if !n.Valid() {
		return fmt.Errorf("%q is not a name: %w", string(n), ErrRefused)
	}
	if err := r.detach(n); err != nil {
		return fmt.Errorf("unmount %s: %w", n, err)
	}
	if err := r.clearWork(n); err != nil {
		return fmt.Errorf("unmount %s: %w", n, err)
	}
	return nil
}

func (r *Root) detach(n left4me.Name) error {
	parent, err := r.directory(path.Join("runtime", string(n)))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	mounted, err := r.Mounted(n)
	if err != nil || !mounted {
		return err
	}
	// umount(2) knows paths only: this one leads through our descriptor of the
	// parent, and the last step does not follow a link.
	target := "/proc/self/fd/" + strconv.Itoa(int(parent.Fd())) + "/merged"
	err = unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EINVAL) {
		return nil // somebody else was faster
	}
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	if err := unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("something still writes to it (%v): %w", err, ErrBusy)
	}
	return unix.Unmount(target, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
}
