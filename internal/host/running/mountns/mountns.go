// Package mountns makes what a process sees of the file system in a mount namespace
// of its own: everything read-only, the files of people and of other programs
// hidden, and a few directories put back. Sandboxes of scripts and of games are
// made of it.
//
// Its functions need CAP_SYS_ADMIN in the mount namespace that they act in. What
// they mount no other namespace sees.
package mountns

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
)

// Private are the directories in which people and programs keep what is no
// business of a sandbox, sockets among it, and the home of this user.
func Private() []string {
	return append([]string{
		"/home", "/root", "/run", "/mnt", "/media", "/srv", "/etc/left4me", "/var/lib/left4me", "/var/spool", "/var/mail",
	}, homes()...)
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

// ReadOnly makes all of the file system read-only and ignores setuid bits in it.
// It fails with EBUSY while this process has a file open for writing that it
// opened in this namespace.
func ReadOnly() error {
	all := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &all); err != nil {
		return fmt.Errorf("read-only: %w", err)
	}
	return nil
}

// Resolver is the file that /etc/resolv.conf leads to, if it is a link: it may
// be in a directory that is hidden.
func Resolver() []Part {
	if to, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil && to != "/etc/resolv.conf" {
		return []Part{{From: to, ReadOnly: true}}
	}
	return nil
}

// Hide mounts something empty over directories and files, those above others
// first, and returns the covers of directories: [Seal] makes them read-only. What
// isn't there, as in a directory that is hidden by now, needs no cover.
func Hide(paths []string) (covers []string, err error) {
	paths = slices.Clone(paths)
	slices.SortFunc(paths, func(a, b string) int { return len(a) - len(b) })
	for _, p := range paths {
		p, err := filepath.EvalSymlinks(p)
		if errors.Is(err, fs.ErrNotExist) || slices.Contains(covers, p) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("hide: %w", err)
		}
		st, err := os.Lstat(p)
		if err != nil {
			return nil, fmt.Errorf("hide: %w", err)
		}
		if !st.IsDir() {
			if err := hideFile(p); err != nil {
				return nil, err
			}
			continue
		}
		if err := Temporary(p, "size=1m,mode=0755"); err != nil {
			return nil, err
		}
		covers = append(covers, p)
	}
	return covers, nil
}

// hideFile puts a device that can't be opened over a file.
func hideFile(path string) error {
	null := Part{From: "/dev/null", To: path, ReadOnly: true}
	if err := null.Hold(); err != nil {
		return err
	}
	defer null.Close()
	return null.Put()
}

// Temporary mounts an empty file system in memory on a directory.
func Temporary(dir, options string) error {
	if err := unix.Mount("left4me", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// Seal makes covers read-only.
func Seal(covers []string) error {
	for _, c := range covers {
		if err := unix.Mount("", c, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return fmt.Errorf("read-only %s: %w", c, err)
		}
	}
	return nil
}

// Part is a directory or file that is taken out of the tree before something
// covers it, and put into the tree again.
type Part struct {
	From     string
	To       string // From when empty
	ReadOnly bool
	Mounts   bool // what is mounted beneath it comes along
	Moves    bool // From is a mount point: the mount itself moves, and doesn't stay where it was
	Optional bool // one that isn't there is left out

	fd   int
	held bool
}

// Hold opens a part, which must be no link. Close it.
func (p *Part) Hold() error {
	flags := uint(unix.OPEN_TREE_CLOEXEC | unix.AT_SYMLINK_NOFOLLOW)
	if !p.Moves {
		flags |= unix.OPEN_TREE_CLONE
	}
	if p.Mounts {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, p.From, flags)
	if p.Optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.From, err)
	}
	p.fd, p.held = fd, true
	if err := p.attributes(); err != nil {
		p.Close()
		return fmt.Errorf("%s: %w", p.From, err)
	}
	return nil
}

func (p *Part) attributes() error {
	var st unix.Stat_t
	if err := unix.Fstat(p.fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ELOOP
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if p.ReadOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	flags := uint(unix.AT_EMPTY_PATH)
	if p.Mounts {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(p.fd, "", flags, &attr)
}

// Put mounts a part, over something that is made for it when its place is
// covered.
func (p *Part) Put() error {
	if !p.held {
		return nil
	}
	to := p.To
	if to == "" {
		to = p.From
	}
	err := p.place(to)
	if err == nil {
		err = unix.MoveMount(p.fd, "", unix.AT_FDCWD, to, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return nil
}

func (p *Part) place(to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(p.fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return os.MkdirAll(to, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, nil, 0o644)
}

// Close closes what Hold opened. A part that was put stays.
func (p *Part) Close() {
	if p.held {
		_ = unix.Close(p.fd)
		p.held = false
	}
}

// HoldAll holds parts, and returns what closes those that are held.
func HoldAll(parts []Part) (closeAll func(), err error) {
	closeAll = func() {
		for i := range parts {
			parts[i].Close()
		}
	}
	for i := range parts {
		if err := parts[i].Hold(); err != nil {
			closeAll()
			return func() {}, err
		}
	}
	return closeAll, nil
}

// PutAll puts parts in order.
func PutAll(parts []Part) error {
	for i := range parts {
		if err := parts[i].Put(); err != nil {
			return err
		}
	}
	return nil
}
