package legacyfiles

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Marks that fuse-overlayfs writes into an upper directory, and their equivalents in the kernel's
// overlayfs with the mount option userxattr.
const (
	fuseAttrs    = "user.fuseoverlayfs."
	fuseOpaque   = "user.fuseoverlayfs.opaque"
	rootOpaque   = "trusted.overlay.opaque" // set by fuse-overlayfs run by root; visible to root only
	fuseWhiteout = ".wh."                   // .wh.NAME marks NAME as removed
	fuseOpaqueIn = ".wh..wh..opq"           // marks its directory as opaque
	kernelOpaque = "user.overlay.opaque"

	maxDepth = 200
)

// ConvertUpper converts an upper directory of fuse-overlayfs to the kernel's format: removed files
// become character devices 0:0, and opaque directories get the kernel's attribute. It returns the
// number of marks; without apply it only counts them. It follows no symbolic link. An interrupted
// run may be repeated, because a mark is removed only after its equivalent exists.
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

// directory converts the content of a directory. It closes fd.
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

// whiteout replaces a file .wh.NAME by the kernel's whiteout for NAME. If NAME exists, it was
// created again and hides the layers below anyway.
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
		return err // user attributes exist on files and directories only
	}
	return c.attributes(fd)
}

// attributes converts the attributes of a file or directory.
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
