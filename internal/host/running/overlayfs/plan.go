package overlayfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// MaxLayers is the kernel's limit on the number of lower directories.
const MaxLayers = 500

const maxEnv = 256 << 10

// ErrRefused means that a stack isn't mounted because of its layer list or contents; test for it with
// errors.Is. The text names the layer and the reason.
var ErrRefused = errors.New("refused")

// Stack is a server's set of layers. Close it after use.
type Stack struct {
	name                left4me.Name
	root                *Root
	lower               []string // paths below the root, checked by allowed; top first
	upper, work, merged int      // descriptors; Plan doesn't open merged, which may already be mounted
}

// Root is an open left4me root. It may be used concurrently.
type Root struct {
	path string
	dir  int // descriptor of the directory
}

// OpenRoot opens the root directory. The choice of the root decides what can be mounted, so dir must
// come from root's environment or from the user who owns the files.
func OpenRoot(dir string) (*Root, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("root %s: %w", dir, err)
	}
	return &Root{path: path.Clean(dir), dir: fd}, nil
}

// Close closes the root.
func (r *Root) Close() error { return unix.Close(r.dir) }

// Resolve flags for all names from outside. With beneath, the kernel refuses symbolic links, magic
// links and paths that leave the root, even if names change during the lookup. within also refuses
// mount points on the path.
const (
	beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	within  = beneath | unix.RESOLVE_NO_XDEV
)

func (r *Root) resolve(rel string, flags, resolve uint64) (fd int, err error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: resolve}
	for {
		fd, err := unix.Openat2(r.dir, rel, &how)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue // a rename happened during the lookup
		case errors.Is(err, unix.ELOOP):
			return -1, fmt.Errorf("%s: a symbolic link is on the way: %w", quote(rel), ErrRefused)
		case errors.Is(err, unix.EXDEV):
			return -1, fmt.Errorf("%s: leaves the root or crosses a mount: %w", quote(rel), ErrRefused)
		}
		return -1, fmt.Errorf("%s: %w", quote(rel), err)
	}
}

// directory opens a directory; what describes it in errors.
func (r *Root) directory(what, rel string) (fd int, err error) {
	if fd, err = r.resolve(rel, unix.O_PATH|unix.O_DIRECTORY, within); err != nil {
		return -1, fmt.Errorf("%s %w", what, err)
	}
	return fd, nil
}

// Plan reads a server's layer list and opens its writable layer. It changes nothing. Errors:
// ErrRefused, fs.ErrNotExist.
func (r *Root) Plan(n left4me.Name) (*Stack, error) {
	if !n.Valid() {
		return nil, fmt.Errorf("%s is not a name: %w", quote(string(n)), ErrRefused)
	}
	s := &Stack{name: n, root: r, upper: -1, work: -1, merged: -1}
	dirs, err := r.lowerdirs(n)
	if err == nil {
		err = s.open(dirs)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("mount %s: %w", n, err)
	}
	return s, nil
}

func (s *Stack) open(dirs []string) error {
	for _, d := range dirs {
		rel, err := s.root.allowed(s.name, d)
		if err != nil {
			return err
		}
		s.lower = append(s.lower, rel)
	}
	var err error
	if s.upper, err = s.root.directory("upper", path.Join("runtime", string(s.name), "upper")); err != nil {
		return err
	}
	if s.work, err = s.root.directory("work", path.Join("runtime", string(s.name), "work")); err != nil {
		return err
	}
	return tainted(s.upper, string(s.name))
}

// openMerged opens the directory on which the stack will be mounted.
func (s *Stack) openMerged() (err error) {
	if s.merged, err = s.root.directory("merged", path.Join("runtime", string(s.name), "merged")); err != nil {
		return fmt.Errorf("mount %s: %w", s.name, err)
	}
	return nil
}

// Close closes the descriptors opened by Plan. A mount made from the stack stays.
func (s *Stack) Close() {
	for _, fd := range []int{s.upper, s.work, s.merged} {
		_ = unix.Close(fd) // closing -1 is harmless
	}
}

// View describes the mount of a server's stack for inspection. Paths are the actual locations of the
// directories.
type View struct {
	Name    string   `json:"name"`
	Mounted bool     `json:"mounted"` // already mounted; the other fields then describe the next mount
	Lower   []string `json:"lower"`   // top first
	Upper   string   `json:"upper"`
	Work    string   `json:"work"`
	Merged  string   `json:"merged"`
	Options []string `json:"options"`
}

// Check returns what Mount would mount, or the error with which it would refuse. It changes nothing.
func (r *Root) Check(n left4me.Name) (View, error) {
	s, err := r.Plan(n)
	if err != nil {
		return View{}, err
	}
	defer s.Close()
	v := View{Name: string(n), Options: []string{"nosuid", "nodev", "userxattr"}}
	if v.Mounted, err = r.Mounted(n); err != nil || !v.Mounted {
		err = s.openMerged()
	}
	at := func(fd int) string {
		name, rerr := os.Readlink(descriptor(fd))
		err = errors.Join(err, rerr)
		return name
	}
	for _, rel := range s.lower {
		l, lerr := r.directory("layer", rel)
		if lerr != nil {
			return View{}, fmt.Errorf("mount %s: %w", n, lerr)
		}
		v.Lower = append(v.Lower, at(l))
		_ = unix.Close(l)
	}
	v.Upper, v.Work, v.Merged = at(s.upper), at(s.work), at(r.dir)+"/runtime/"+string(n)+"/merged"
	return v, err
}

// lowerdirs reads the layer list. Callers must check each path before use.
func (r *Root) lowerdirs(n left4me.Name) ([]string, error) {
	rel := path.Join("instances", string(n), "instance.env")
	// Opening a FIFO or a device can have side effects, so inspect the file first.
	at, err := r.resolve(rel, unix.O_PATH, within)
	if err != nil {
		return nil, err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return nil, fmt.Errorf("%q: %w", rel, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%q is not a regular file: %w", rel, ErrRefused)
	case st.Nlink != 1:
		// Another name of it may be a file that only root may read.
		return nil, fmt.Errorf("%q has %d hard links instead of one: %w", rel, st.Nlink, ErrRefused)
	}
	f, err := os.Open(descriptor(at))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", rel, err)
	}
	defer f.Close()
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

// parseLowerdirs returns the layers of the line L4D2_LOWERDIRS=a:b:c, which must occur exactly once.
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
	if layers := strings.Count(list, ":") + 1; layers > MaxLayers {
		return nil, fmt.Errorf("%d layers are more than the kernel's %d: %w", layers, MaxLayers, ErrRefused)
	}
	return strings.Split(list, ":"), nil
}

// allowed returns a layer as a path relative to the root if it is in one of the directories that may
// contain layers.
func (r *Root) allowed(n left4me.Name, dir string) (string, error) {
	rel := dir
	if path.IsAbs(dir) {
		var ok bool
		if rel, ok = strings.CutPrefix(dir, r.path+"/"); !ok {
			return "", fmt.Errorf("layer %s is not beneath %s: %w", quote(dir), r.path, ErrRefused)
		}
	}
	if len(rel) >= unix.PathMax {
		return "", fmt.Errorf("layer %s is longer than a path may be: %w", quote(dir), ErrRefused)
	}
	if rel == "" || path.Clean(rel) != rel || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("layer %s is not a clean path: %w", quote(dir), ErrRefused)
	}
	for _, place := range []string{
		"installation/", "overlays/", "global_overlay_cache/", "workshop_cache/",
		"instances/" + string(n) + "/",
	} {
		if strings.HasPrefix(rel, place) {
			return rel, nil
		}
	}
	return "", fmt.Errorf("layer %s is not among the allowed places: %w", quote(dir), ErrRefused)
}

// quote quotes and shortens a name, so that a message stays readable and on one line.
func quote(name string) string {
	const most = 200
	if len(name) > most {
		return fmt.Sprintf("%q…", name[:most])
	}
	return strconv.Quote(name)
}
