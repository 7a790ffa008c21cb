package legacyfiles

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What fuse-overlayfs writes into an upper directory, and what the kernel's
// overlayfs means the same by when it is mounted with userxattr.
const (
	fuseAttrs    = "user.fuseoverlayfs."
	fuseOpaque   = "user.fuseoverlayfs.opaque"
	rootOpaque   = "trusted.overlay.opaque" // of fuse-overlayfs that ran as root; only root sees it
	fuseWhiteout = ".wh."                   // .wh.NAME: NAME was removed
	fuseOpaqueIn = ".wh..wh..opq"           // in a directory that shows nothing of the layers below
	kernelOpaque = "user.overlay.opaque"

	maxDepth = 200
)

// ConvertUpper makes an upper directory of fuse-overlayfs one of the kernel's:
// removed files become character devices 0:0, opaque directories get the
// kernel's attribute. It tells how many marks there were, and without apply does
// no more. It follows no link, and may be cut off and run again: a mark goes when
// what it says is there in the new way.
func ConvertUpper(dir string, apply bool) (marks int, err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	c := conversion{apply: apply}
	if err := c.directory(fd, dir, maxDepth); err != nil {
		return c.marks, err
	}
	return c.marks, nil
}

type conversion struct {
	apply bool
	marks int
}

// directory converts what is in a directory. It closes fd.
func (c *conversion) directory(fd int, path string, depth int) error {
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	if depth == 0 {
		return fmt.Errorf("%s: it is nested too deeply", path)
	}
	names, err := dir.Readdirnames(-1)
	if err == nil {
		err = c.attributes(fd)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, n := range names {
		at := path + "/" + n
		switch {
		case n == fuseOpaqueIn:
			err = c.mark(func() error {
				return errors.Join(unix.Fsetxattr(fd, kernelOpaque, []byte("y"), 0), unix.Unlinkat(fd, n, 0))
			})
		case strings.HasPrefix(n, fuseWhiteout):
			err = c.mark(func() error { return whiteout(fd, n) })
		default:
			err = c.entry(fd, n, at, depth)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil
}

func (c *conversion) mark(convert func() error) error {
	c.marks++
	if !c.apply {
		return nil
	}
	return convert()
}

// whiteout puts the kernel's whiteout in the place of a file .wh.NAME. Where NAME
// is there, it was made anew, and hides what is below by itself.
func whiteout(dir int, n string) error {
	removed := strings.TrimPrefix(n, fuseWhiteout)
	if removed == "" || strings.HasPrefix(removed, fuseWhiteout) {
		return errors.New("it is no mark that is known")
	}
	if err := unix.Mknodat(dir, removed, unix.S_IFCHR, 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return unix.Unlinkat(dir, n, 0)
}

func (c *conversion) entry(dir int, n, path string, depth int) error {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(dir, n, &how)
	if err == nil {
		return c.directory(fd, path, depth-1)
	}
	if !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) {
		return err
	}
	how.Flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if fd, err = unix.Openat2(dir, n, &how); err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return err // links and devices have no attributes of a user
	}
	return c.attributes(fd)
}

// attributes converts those of a file or directory.
func (c *conversion) attributes(fd int) error {
	name := "/proc/self/fd/" + strconv.Itoa(fd)
	buf := make([]byte, 64<<10)
	n, err := unix.Listxattr(name, buf)
	if err != nil || n == 0 {
		if errors.Is(err, unix.ENOTSUP) {
			err = nil
		}
		return err
	}
	for attr := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if !strings.HasPrefix(attr, fuseAttrs) && attr != rootOpaque {
			continue
		}
		err := c.mark(func() error {
			if attr == fuseOpaque || attr == rootOpaque {
				if err := unix.Setxattr(name, kernelOpaque, []byte("y"), 0); err != nil {
					return err
				}
			}
			return unix.Removexattr(name, attr)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
