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

// ErrBusy is the target of errors.Is for a mount that could not be taken away
// because something still writes to it.
var ErrBusy = errors.New("busy")

// Mounted reports whether an overlay is mounted where a server sees its stack.
// It decides nothing about safety, so that it works also where a sandbox has
// made the root of several mounts.
func (r *Root) Mounted(n left4me.Name) (bool, error) {
	fd, err := r.mounted(n)
	_ = unix.Close(fd)
	return fd >= 0, err
}

// mounted opens the root of the overlay that is mounted there, or gives -1.
func (r *Root) mounted(n left4me.Name) (fd int, err error) {
	if !n.Valid() {
		return -1, fmt.Errorf("%s is not a name: %w", quote(string(n)), ErrRefused)
	}
	// What is mounted on the last step is what we want to see.
	fd, err = r.resolve(path.Join("runtime", string(n), "merged"), unix.O_PATH|unix.O_DIRECTORY, beneath)
	if nothingThere(err) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	// The type alone doesn't say it: the root itself may stand on an overlay.
	var fs unix.Statfs_t
	var st unix.Statx_t
	err = errors.Join(unix.Fstatfs(fd, &fs), unix.Statx(fd, "", unix.AT_EMPTY_PATH, 0, &st))
	if err != nil || fs.Type != unix.OVERLAYFS_SUPER_MAGIC || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// nothingThere reports whether the error of opening a directory says that nothing
// can be mounted there: it isn't there, is a file, has a link on the way, or is
// closed to this user. The game can put any of these where a stack is mounted.
func nothingThere(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES) || errors.Is(err, ErrRefused)
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

// errNoLayerFD says that the kernel takes no descriptors as layers: before 6.13.
var errNoLayerFD = errors.New("the kernel takes no descriptors as layers")

// mountByFD uses the new mount API: nothing in it is a path.
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
		// Closed at once: to hold 500 costs more than the mount, because the
		// kernel waits for all threads each time that their table grows.
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
	// An open descriptor of the mount would make it busy.
	defer unix.Close(mnt)
	if err := unix.MoveMount(mnt, "", s.merged, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
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
// page that it takes and none is a path that can be changed. The kernel gives
// its reasons only the other way, so an error says how that failed too.
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
		// The working directory becomes this thread's own, and the thread ends
		// with the goroutine because it is never unlocked.
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

// Unmount takes a server's stack away as Release does.
func (r *Root) Unmount(n left4me.Name) error {
	_, err := r.Release(n)
	return err
}

// Release takes a server's stack away and removes what overlayfs left in its
// work directory; one that is not mounted is success. A mount that is in use by
// readers is made read-only and taken away lazily: it goes when they end. One
// that is written to stays, because mounting the same upper directory twice
// destroys it: that is ErrBusy.
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
	// umount(2) knows paths only, and a descriptor of the mount would make it
	// busy: this path leads through our descriptor of the parent, and its last
	// step follows no link.
	if err = unix.Unmount(descriptor(parent)+"/merged", unix.UMOUNT_NOFOLLOW); errors.Is(err, unix.EINVAL) {
		return false, nil // somebody else was faster
	} else if !errors.Is(err, unix.EBUSY) {
		return false, err
	}
	// mount(2) would follow a link, so from here on it is the mount itself.
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

// descriptor is a name of what a descriptor of ours is open on.
func descriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// workDepth is how deep overlayfs nests what it prepares in its work directory.
const workDepth = 3

// clearWork removes the directory that overlayfs leaves behind in work, which
// only root can enter and which would keep the instance from being removed. It is
// best effort: the next mount sees to what stays, and what is more than overlayfs
// can have left is not for root to remove.
func (r *Root) clearWork(n left4me.Name) {
	if work, err := r.directory("work", path.Join("runtime", string(n), "work")); err == nil {
		_ = removeDir(work, "work", workDepth)
		_ = unix.Close(work)
	}
}

// removeDir removes a directory in dir and what is in it, following no link.
func removeDir(dir int, name string, depth int) error {
	err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	// A whiteout that all others were links of stays when the mount goes.
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

// openEntry opens one entry of a directory, neither a link nor what is mounted
// there.
func openEntry(dir int, name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: within}
	return unix.Openat2(dir, name, &how)
}
