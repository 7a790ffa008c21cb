package overlayfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me"
)

// MaxLayers is the kernel's limit on lower directories.
const MaxLayers = 500

const maxEnv = 256 << 10

// ErrRefused is the target of errors.Is for a stack that is not mounted because
// of what it names or holds; the text says which layer and why.
var ErrRefused = errors.New("refused")

// Stack is a server's opened layers. Close it.
type Stack struct {
	Name   left4me.Name
	Lower  []Layer // top first
	upper  *os.File
	work   *os.File
	merged *os.File
}

// Layer is one opened read-only directory.
type Layer struct {
	Path string // relative to the root
	dir  *os.File
}

// Root is an opened left4me root. It may be used concurrently.
type Root struct {
	path string
	dir  *os.File
}

// OpenRoot opens the root directory. Who may choose it decides what can be
// mounted: it comes from the environment of root, or from the user whose files
// they are.
func OpenRoot(dir string) (*Root, error) {
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	return &Root{path: path.Clean(dir), dir: f}, nil
}

// Close closes the root.
func (r *Root) Close() error { return r.dir.Close() }

// beneath is how every name from outside is resolved: links of both kinds and
// what leaves the root are refused by the kernel, also when it changes meanwhile.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// open opens what is at a relative path beneath the root, and nothing that a
// link or a mount point on the way leads to.
func (r *Root) open(rel string, flags uint64) (*os.File, error) {
	return r.resolve(rel, flags, beneath|unix.RESOLVE_NO_XDEV)
}

func (r *Root) resolve(rel string, flags, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: resolve}
	for {
		fd, err := unix.Openat2(int(r.dir.Fd()), rel, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), rel), nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue // a rename was under way while it was resolved
		case errors.Is(err, unix.ELOOP):
			return nil, fmt.Errorf("%q: a symbolic link is on the way: %w", rel, ErrRefused)
		case errors.Is(err, unix.EXDEV):
			return nil, fmt.Errorf("%q: leaves the root or crosses a mount: %w", rel, ErrRefused)
		}
		return nil, fmt.Errorf("%q: %w", rel, err)
	}
}

func (r *Root) directory(rel string) (*os.File, error) {
	return r.open(rel, unix.O_PATH|unix.O_DIRECTORY)
}

// Plan reads a server's instance.env and opens its stack. It changes nothing.
// Errors: ErrRefused, fs.ErrNotExist.
func (r *Root) Plan(n left4me.Name) (*Stack, error) {
	if !n.Valid() {
		return nil, fmt.Errorf("%q is not a name: %w", string(n), ErrRefused)
	}
	dirs, err := r.lowerdirs(n)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", n, err)
	}
	s := &Stack{Name: n}
	if err := s.open(r, dirs); err != nil {
		s.Close()
		return nil, fmt.Errorf("mount %s: %w", n, err)
	}
	return s, nil
}

func (s *Stack) open(r *Root, dirs []string) error {
	for _, d := range dirs {
		rel, err := r.allowed(s.Name, d)
		if err != nil {
			return err
		}
		f, err := r.directory(rel)
		if err != nil {
			return fmt.Errorf("layer %w", err)
		}
		s.Lower = append(s.Lower, Layer{Path: rel, dir: f})
	}
	runtime := path.Join("runtime", string(s.Name))
	for _, d := range []struct {
		name string
		file **os.File
	}{{"upper", &s.upper}, {"work", &s.work}, {"merged", &s.merged}} {
		f, err := r.directory(path.Join(runtime, d.name))
		if err != nil {
			return fmt.Errorf("%s %w", d.name, err)
		}
		*d.file = f
	}
	return tainted(s.upper)
}

// Close closes what Plan opened. A mount made of it stays.
func (s *Stack) Close() {
	for _, l := range s.Lower {
		l.dir.Close()
	}
	for _, f := range []*os.File{s.upper, s.work, s.merged} {
		if f != nil {
			f.Close()
		}
	}
}

// lowerdirs reads the layer list. It holds no path that is used unchecked.
func (r *Root) lowerdirs(n left4me.Name) ([]string, error) {
	rel := path.Join("instances", string(n), "instance.env")
	// Without O_NONBLOCK a FIFO in its place would hold us for ever.
	f, err := r.open(rel, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file: %w", rel, ErrRefused)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxEnv+1))
	if err != nil {
		return nil, err
	}
	dirs, err := parseLowerdirs(b)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", rel, err)
	}
	return dirs, nil
}

// parseLowerdirs finds the line L4D2_LOWERDIRS=a:b:c. There must be exactly one.
func parseLowerdirs(env []byte) ([]string, error) {
	if len(env) > maxEnv {
		return nil, fmt.Errorf("longer than %d bytes: %w", maxEnv, ErrRefused)
	}
	var list string
	found := 0
	for line := range bytes.SplitSeq(env, []byte("\n")) {
		if v, ok := bytes.CutPrefix(line, []byte("L4D2_LOWERDIRS=")); ok {
			list = string(v)
			found++
		}
	}
	switch {
	case found != 1:
		return nil, fmt.Errorf("%d lines of L4D2_LOWERDIRS instead of one: %w", found, ErrRefused)
	case list == "" || strings.ContainsRune(list, 0):
		return nil, fmt.Errorf("L4D2_LOWERDIRS names no layers: %w", ErrRefused)
	}
	dirs := strings.Split(list, ":")
	if len(dirs) > MaxLayers {
		return nil, fmt.Errorf("%d layers are more than the kernel's %d: %w", len(dirs), MaxLayers, ErrRefused)
	}
	return dirs, nil
}

// allowed gives a layer as a path relative to the root when it is in one of the
// places that layers come from.
func (r *Root) allowed(n left4me.Name, dir string) (string, error) {
	rel := dir
	if path.IsAbs(dir) {
		var ok bool
		if rel, ok = strings.CutPrefix(dir, r.path+"/"); !ok {
			return "", fmt.Errorf("layer %q is not beneath %s: %w", dir, r.path, ErrRefused)
		}
	}
	if rel == "" || path.Clean(rel) != rel || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("layer %q is not a clean path: %w", dir, ErrRefused)
	}
	for _, place := range []string{"installation/", "overlays/", "global_overlay_cache/", "workshop_cache/", "instances/" + string(n) + "/"} {
		if strings.HasPrefix(rel, place) {
			return rel, nil
		}
	}
	return "", fmt.Errorf("layer %q is not among the allowed places: %w", dir, ErrRefused)
}
