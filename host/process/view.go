package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/host/build"
)

// tmpName is a build's /tmp, in its directory.
const tmpName = "tmp"

// hidden is where people and programs have what is no script's business, sockets
// among it.
var hidden = []string{"/home", "/root", "/run", "/mnt", "/media", "/srv", "/etc/left4me", "/var/lib/left4me", "/var/spool", "/var/mail"}

// view makes what a script sees of the file system: all of it read-only and as
// it is, but for what is hidden, its directory, and a /tmp of its own. What is
// mounted here nobody else sees, and nobody who comes later can take away.
func view(root, run, dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	if err := ownProcesses(); err != nil {
		return err
	}
	// What will be seen is held before it is hidden.
	shown := []*mount{{from: dir, readOnly: true}}
	for _, name := range []string{build.OutName, build.LogName, build.EndName} {
		shown = append(shown, &mount{from: filepath.Join(dir, name)})
	}
	// The resolver's file may be in /run.
	if to, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil && to != "/etc/resolv.conf" {
		shown = append(shown, &mount{from: to, readOnly: true})
	}
	temporary := []*mount{{from: filepath.Join(dir, tmpName), to: "/tmp"}, {from: filepath.Join(dir, tmpName), to: "/var/tmp"}}
	for _, m := range slices.Concat(temporary, shown) {
		if err := m.hold(); err != nil {
			return err
		}
		defer unix.Close(m.fd)
	}
	all := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &all); err != nil {
		return fmt.Errorf("read-only: %w", err)
	}
	for _, m := range temporary {
		if err := m.put(); err != nil {
			return err
		}
	}
	covers, err := hide(slices.Concat(hidden, homes(), []string{root, run}))
	if err != nil {
		return err
	}
	for _, m := range shown {
		m.to = m.from
		if err := m.put(); err != nil {
			return err
		}
	}
	for _, c := range covers {
		if err := unix.Mount("", c, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return fmt.Errorf("read-only %s: %w", c, err)
		}
	}
	err = unix.Mount("shm", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=256m,mode=1777")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("/dev/shm: %w", err)
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

// homes is where this user's own files are, if it isn't a part of the system.
func homes() []string {
	u, err := user.Current()
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return nil
	}
	for _, system := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev", "/tmp"} {
		if u.HomeDir == "/" || within(u.HomeDir, system) || within(system, u.HomeDir) {
			return nil
		}
	}
	return []string{u.HomeDir}
}

// within reports whether a path is a directory or beneath it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// hide puts something empty over directories, those above others first, and
// returns where.
func hide(dirs []string) (covers []string, err error) {
	slices.SortFunc(dirs, func(a, b string) int { return len(a) - len(b) })
	for _, d := range dirs {
		d, err := filepath.EvalSymlinks(d)
		if errors.Is(err, fs.ErrNotExist) || slices.Contains(covers, d) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("hide: %w", err)
		}
		if err := unix.Mount("hidden", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=0755"); err != nil {
			return nil, fmt.Errorf("hide %s: %w", d, err)
		}
		covers = append(covers, d)
	}
	return covers, nil
}

// mount is a directory or file that is taken out of the tree and put into it
// again.
type mount struct {
	from, to string
	readOnly bool
	fd       int
}

func (m *mount) hold() (err error) {
	m.fd, err = unix.OpenTree(unix.AT_FDCWD, m.from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("%s: %w", m.from, err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if m.readOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(m.fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", m.from, err), unix.Close(m.fd))
	}
	return nil
}

// put mounts it, over something that is made for that when all is hidden there.
func (m *mount) put() error {
	var st unix.Stat_t
	if err := unix.Fstat(m.fd, &st); err != nil {
		return err
	}
	_, err := os.Lstat(m.to)
	if errors.Is(err, fs.ErrNotExist) {
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			err = os.MkdirAll(m.to, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(m.to), 0o755); err == nil {
			err = os.WriteFile(m.to, nil, 0o644)
		}
	}
	if err == nil {
		err = unix.MoveMount(m.fd, "", unix.AT_FDCWD, m.to, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.to, err)
	}
	return nil
}
