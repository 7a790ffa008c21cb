// Package mountns builds a restricted view of the file system in a mount namespace: everything
// read-only, private files hidden, and selected directories visible again. The sandboxes for scripts
// and games use it.
//
// The functions need CAP_SYS_ADMIN in the current mount namespace. Their mounts are invisible to other
// namespaces.
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

// Private returns the directories with private files and sockets of users and programs, which sandboxes
// must not see, and the home directory of this user.
func Private() []string {
	return append([]string{
		"/home", "/root", "/run", "/mnt", "/media", "/srv", "/etc/left4me", "/var/lib/left4me", "/var/spool", "/var/mail",
	}, homes()...)
}

// homes returns this user's home directory unless it is part of the system.
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

// within reports whether path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// ReadOnly makes the whole file system read-only and disables setuid bits. It fails with EBUSY while
// this process has a file open for writing that it opened in this namespace.
func ReadOnly() error {
	all := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &all); err != nil {
		return fmt.Errorf("read-only: %w", err)
	}
	return nil
}

// Resolver returns the target of /etc/resolv.conf if that is a symbolic link, because the target may be
// in a hidden directory.
func Resolver() []Part {
	if to, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil && to != "/etc/resolv.conf" {
		return []Part{{From: to, ReadOnly: true}}
	}
	return nil
}

// Hide mounts empty covers over directories and files, parents first, and returns the covers of
// directories, which [Seal] makes read-only. Missing paths, such as those in a directory that is
// already hidden, need no cover.
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

// hideFile mounts a device that can't be opened over a file.
func hideFile(path string) error {
	null := Part{From: "/dev/null", To: path, ReadOnly: true}
	if err := null.Hold(); err != nil {
		return err
	}
	defer null.Close()
	return null.Put()
}

// Temporary mounts an empty tmpfs on a directory.
func Temporary(dir, options string) error {
	if err := unix.Mount("left4me", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// Seal makes the covers read-only.
func Seal(covers []string) error {
	for _, c := range covers {
		if err := unix.Mount("", c, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return fmt.Errorf("read-only %s: %w", c, err)
		}
	}
	return nil
}

// Part is a directory or file that is opened before a cover hides it and mounted into the cover
// afterwards.
type Part struct {
	From     string
	To       string // From if empty
	ReadOnly bool
	Mounts   bool // includes mounts below it
	Moves    bool // From is a mount point whose mount moves instead of being copied
	Optional bool // a missing path is skipped

	fd   int
	held bool
}

// Hold opens a part, which must not be a symbolic link. Close it after use.
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

// Put mounts a part. If a cover hides the target, Put creates a mount point there.
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

// Close closes the descriptor opened by Hold. A mounted part stays mounted.
func (p *Part) Close() {
	if p.held {
		_ = unix.Close(p.fd)
		p.held = false
	}
}

// HoldAll opens parts and returns a function that closes them.
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

// PutAll mounts parts in order.
func PutAll(parts []Part) error {
	for i := range parts {
		if err := parts[i].Put(); err != nil {
			return err
		}
	}
	return nil
}
