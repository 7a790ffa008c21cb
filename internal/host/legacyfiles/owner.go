package legacyfiles

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Own changes the owner and group of a directory and everything in it, and makes it readable for
// the group. It follows no symbolic link and crosses no mount. It skips files with several hard
// links unless they belong to the new user or to was, the former user, because another name may be
// outside the directory. If was is 0 (root), hard-linked files of root are skipped too. Own returns
// the number of skipped files.
func Own(dir string, was, uid, gid int) (left int, err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	o := owning{was: was, uid: uid, gid: gid}
	if err := o.give(fd); err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	err = o.directory(fd, dir, maxDepth)
	return o.left, err
}

type owning struct {
	was, uid, gid int
	left          int
}

// directory changes the content of a directory. It closes fd.
func (o *owning) directory(fd int, path string, depth int) error {
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	if depth == 0 {
		return fmt.Errorf("%s: it is nested too deeply", path)
	}
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, n := range names {
		how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV}
		entry, err := unix.Openat2(fd, n, &how)
		if errors.Is(err, unix.EXDEV) {
			continue
		}
		if err == nil {
			err = o.give(entry)
		}
		if err != nil {
			return fmt.Errorf("%s/%s: %w", path, n, err)
		}
		sub, err := unix.Open(descriptor(entry), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		unix.Close(entry)
		if err == nil {
			err = o.directory(sub, path+"/"+n, depth-1)
		} else if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *owning) give(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	if kind != unix.S_IFDIR && st.Nlink > 1 && (int(st.Uid) != o.was || o.was == 0) && int(st.Uid) != o.uid {
		o.left++
		return nil
	}
	if err := unix.Fchownat(fd, "", o.uid, o.gid, unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	if kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return nil
	}
	mode := st.Mode&0o777 | 0o040
	if kind == unix.S_IFDIR || mode&0o100 != 0 {
		mode |= 0o010
	}
	if kind == unix.S_IFDIR {
		mode |= st.Mode & unix.S_ISGID // new files inherit the group
	}
	return unix.Chmod(descriptor(fd), mode)
}

func descriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
