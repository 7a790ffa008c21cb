package overlayfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// ErrBusy means that a mount could not be unmounted because a process still writes to it; test for it
// with errors.Is.
var ErrBusy = errors.New("busy")

// Mounted reports whether an overlay is mounted at a server's merged directory. It is no security
// check, so it also works where a sandbox composes the root of several mounts.
func (r *Root) Mounted(n left4me.Name) (bool, error) {
	fd, err := r.mounted(n)
	_ = unix.Close(fd)
	return fd >= 0, err
}

// mounted opens the root of the overlay mounted there, or returns -1.
func (r *Root) mounted(n left4me.Name) (fd int, err error) {
	if !n.Valid() {
		return -1, fmt.Errorf("%s is not a name: %w", quote(string(n)), ErrRefused)
	}
	// Mount points are not refused here: the mount at the last path component is the one to inspect.
	fd, err = r.resolve(path.Join("runtime", string(n), "merged"), unix.O_PATH|unix.O_DIRECTORY, beneath)
	if nothingThere(err) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	// The file system type is not enough: the root itself may be on an overlay.
	var fs unix.Statfs_t
	var st unix.Statx_t
	err = errors.Join(unix.Fstatfs(fd, &fs), unix.Statx(fd, "", unix.AT_EMPTY_PATH, 0, &st))
	if err != nil || fs.Type != unix.OVERLAYFS_SUPER_MAGIC || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// nothingThere reports whether the error from opening a directory means that nothing can be mounted
// there: it is missing, a file, reached through a symbolic link, or inaccessible to this user. The game
// can cause any of these at its mount point.
func nothingThere(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES) || errors.Is(err, ErrRefused)
}

// Mount mounts a server's stack. If it is already mounted, that is a success. Mount needs
// CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_CHOWN and CAP_FOWNER over its mount namespace. The overlay keeps
// the credentials of its creator and accesses its layers with them as long as it is mounted.
func (r *Root) Mount(n left4me.Name) error {
	if mounted, err := r.Mounted(n); err == nil && mounted {
		return nil
	}
	s, err := r.Plan(n)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.openMerged(); err != nil {
		return err
	}
	err = s.mountByFD()
	if errors.Is(err, errNoLayerFD) {
		err = s.mountByName(err)
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", n, err)
	}
	return nil
}

// errNoLayerFD means that the kernel is older than 6.13 and doesn't accept descriptors as layers.
var errNoLayerFD = errors.New("the kernel takes no descriptors as layers")

// mountByFD mounts with the new mount API, which takes descriptors instead of paths.
func (s *Stack) mountByFD() error {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	for i, rel := range s.lower {
		l, err := s.root.directory("layer", rel)
		if err != nil {
			return err
		}
		// Close each descriptor at once. Holding 500 of them takes longer than the mount itself,
		// because the kernel waits for all threads whenever their descriptor table grows.
		err = unix.FsconfigSetFd(fs, "lowerdir+", l)
		_ = unix.Close(l)
		if err != nil {
			if i == 0 && (errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EBADF) || errors.Is(err, unix.EINVAL)) {
				return fmt.Errorf("%w: %w", errNoLayerFD, reason(fs, err))
			}
			return fmt.Errorf("layer %s: %w", quote(rel), reason(fs, err))
		}
	}
	for i, key := range []string{"upperdir", "workdir"} {
		if err := unix.FsconfigSetFd(fs, key, []int{s.upper, s.work}[i]); err != nil {
			return fmt.Errorf("%s: %w", key, reason(fs, err))
		}
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
	// An open descriptor of the mount would keep it busy.
	defer unix.Close(mnt)
	if err := unix.MoveMount(mnt, "", s.merged, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return nil
}

// reason adds the kernel's message about a failed step to err.
func reason(fs int, err error) error {
	var buf [1024]byte
	n, rerr := unix.Read(fs, buf[:])
	if rerr != nil || n < 3 {
		return err
	}
	return fmt.Errorf("%w (%s)", err, strings.TrimSpace(string(buf[2:n])))
}

// mountByName mounts with mount(2) for older kernels. Layers are named by their descriptor numbers,
// relative to /proc/self/fd as the working directory. 500 of these names fit into the single page that
// mount(2) accepts, and none is a path that others can change. Only the new API returns messages from
// the kernel, so an error includes byFD, the error from that attempt.
func (s *Stack) mountByName(byFD error) error {
	lower := make([]string, len(s.lower))
	for i, rel := range s.lower {
		l, err := s.root.directory("layer", rel)
		if err != nil {
			return err
		}
		defer unix.Close(l)
		lower[i] = strconv.Itoa(l)
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%d,workdir=%d,userxattr", strings.Join(lower, ":"), s.upper, s.work)
	done := make(chan error, 1)
	go func() {
		// Unshare gives this thread its own working directory. The thread ends with the goroutine,
		// because it is never unlocked.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Chdir("/proc/thread-self/fd")
		}
		if err == nil {
			err = unix.Mount("overlay", strconv.Itoa(s.merged), "overlay", unix.MS_NOSUID|unix.MS_NODEV, data)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("mount: %w; before that: %w", err, byFD)
	}
	return nil
}

// Unmount unmounts a server's stack like Release.
func (r *Root) Unmount(n left4me.Name) error {
	_, err := r.Release(n)
	return err
}

// Release unmounts a server's stack and removes what overlayfs left in its work directory. If the stack
// isn't mounted, that is a success. A mount that is only being read is made read-only and detached
// lazily: it disappears when its readers end. A mount that is being written to stays, and the error is
// ErrBusy: mounting the same upper directory a second time would corrupt it.
func (r *Root) Release(n left4me.Name) (lazily bool, err error) {
	if !n.Valid() {
		return false, fmt.Errorf("%s is not a name: %w", quote(string(n)), ErrRefused)
	}
	if lazily, err = r.detach(n); err != nil {
		return lazily, fmt.Errorf("unmount %s: %w", n, err)
	}
	r.clearWork(n)
	return lazily, nil
}

func (r *Root) detach(n left4me.Name) (lazily bool, err error) {
	parent, err := r.directory("the server", path.Join("runtime", string(n)))
	if nothingThere(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(parent)
	mounted, err := r.Mounted(n)
	if err != nil || !mounted {
		return false, err
	}
	// umount(2) accepts only paths, and a descriptor of the mount would keep it busy. This path goes
	// through our descriptor of the parent, and its last component isn't followed if it is a link.
	if err = unix.Unmount(descriptor(parent)+"/merged", unix.UMOUNT_NOFOLLOW); errors.Is(err, unix.EINVAL) {
		return false, nil // another process has already unmounted it
	} else if !errors.Is(err, unix.EBUSY) {
		return false, err
	}
	// mount(2) would follow a link, so operate on the mount itself from here on.
	fd, err := r.mounted(n)
	if err != nil || fd < 0 {
		return false, err
	}
	defer unix.Close(fd)
	if err := unix.Mount("", descriptor(fd), "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return false, fmt.Errorf("something still writes to it (%v): %w", err, ErrBusy)
	}
	return true, unix.Unmount(descriptor(fd), unix.MNT_DETACH)
}

// descriptor returns a path that refers to the file behind one of our descriptors.
func descriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// workDepth is the maximum depth of the directories that overlayfs creates in its work directory.
const workDepth = 3

// clearWork removes the directory that overlayfs leaves in work. Only root can enter it, so it would
// prevent the instance from being deleted. Errors are ignored: the next mount handles leftovers, and
// root should not remove anything that overlayfs can't have created.
func (r *Root) clearWork(n left4me.Name) {
	if work, err := r.directory("work", path.Join("runtime", string(n), "work")); err == nil {
		_ = removeDir(work, "work", workDepth)
		_ = unix.Close(work)
	}
}

// removeDir removes the directory name in dir and its contents without following links.
func removeDir(dir int, name string, depth int) error {
	err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	// When the mount ends, one whiteout may stay, to which all others were hard links.
	if !errors.Is(err, unix.ENOTEMPTY) || depth == 0 {
		return err
	}
	fd, err := openEntry(dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	names, err := f.Readdirnames(1000)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, n := range names {
		err := unix.Unlinkat(fd, n, 0)
		if errors.Is(err, unix.EISDIR) {
			err = removeDir(fd, n, depth-1)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
}

// openEntry opens one entry of a directory. It fails for symbolic links and mount points.
func openEntry(dir int, name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: within}
	return unix.Openat2(dir, name, &how)
}
