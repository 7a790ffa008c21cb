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

// MaxLayers is the kernel's limit on lower directories.
const MaxLayers = 500

const maxEnv = 256 << 10

// ErrRefused is the target of errors.Is for a stack that is not mounted because
// of what it names or holds; the text says which layer and why.
var ErrRefused = errors.New("refused")

// Stack is what a server's layers are. Close it.
type Stack struct {
	name                left4me.Name
	root                *Root
	lower               []string // paths beneath the root, in allowed places; top first
	upper, work, merged int      // descriptors; Plan leaves out merged: it may be mounted already
}

// Root is an opened left4me root. It may be used concurrently.
type Root struct {
	path string
	dir  int // a descriptor, as all that names nothing else is
}

// OpenRoot opens the root directory. Who may choose it decides what can be
// mounted: it comes from the environment of root, or from the user whose files
// they are.
func OpenRoot(dir string) (*Root, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("root %s: %w", dir, err)
	}
	return &Root{path: path.Clean(dir), dir: fd}, nil
}

// Close closes the root.
func (r *Root) Close() error { return unix.Close(r.dir) }

// How every name from outside is resolved: links of both kinds and what leaves
// the root are refused by the kernel, also when it changes meanwhile; and within
// refuses what is mounted on the way too.
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
			continue // a rename was under way while it was resolved
		case errors.Is(err, unix.ELOOP):
			return -1, fmt.Errorf("%s: a symbolic link is on the way: %w", quote(rel), ErrRefused)
		case errors.Is(err, unix.EXDEV):
			return -1, fmt.Errorf("%s: leaves the root or crosses a mount: %w", quote(rel), ErrRefused)
		}
		return -1, fmt.Errorf("%s: %w", quote(rel), err)
	}
}

// directory opens a directory; what says in an error what it is.
func (r *Root) directory(what, rel string) (fd int, err error) {
	if fd, err = r.resolve(rel, unix.O_PATH|unix.O_DIRECTORY, within); err != nil {
		return -1, fmt.Errorf("%s %w", what, err)
	}
	return fd, nil
}

// Plan reads what a server's layers are, and opens the writable one. It changes
// nothing. Errors: ErrRefused, fs.ErrNotExist.
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

// openMerged opens where the stack is going to be seen.
func (s *Stack) openMerged() (err error) {
	if s.merged, err = s.root.directory("merged", path.Join("runtime", string(s.name), "merged")); err != nil {
		return fmt.Errorf("mount %s: %w", s.name, err)
	}
	return nil
}

// Close closes what Plan opened. A mount made of it stays.
func (s *Stack) Close() {
	for _, fd := range []int{s.upper, s.work, s.merged} {
		_ = unix.Close(fd) // -1 does no harm
	}
}

// View is what a mount of a server's stack is made of, for people to inspect.
// Its paths are where the directories really stand.
type View struct {
	Name    string   `json:"name"`
	Mounted bool     `json:"mounted"` // already; the rest is what the next mount would take
	Lower   []string `json:"lower"`   // top first
	Upper   string   `json:"upper"`
	Work    string   `json:"work"`
	Merged  string   `json:"merged"`
	Options []string `json:"options"`
}

// Check tells what Mount would mount, or why it would refuse to. It changes
// nothing.
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

// lowerdirs reads the layer list. It holds no path that is used unchecked.
func (r *Root) lowerdirs(n left4me.Name) ([]string, error) {
	rel := path.Join("instances", string(n), "instance.env")
	// To open a FIFO or a device is to act on it already, so it is inspected first.
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
		// Its other name may be a file that only root may read.
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
	if layers := strings.Count(list, ":") + 1; layers > MaxLayers {
		return nil, fmt.Errorf("%d layers are more than the kernel's %d: %w", layers, MaxLayers, ErrRefused)
	}
	return strings.Split(list, ":"), nil
}

// allowed gives a layer as a path relative to the root when it is in one of the
// places that layers come from.
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

// quote keeps a message readable, and one line, when a name in it is not.
func quote(name string) string {
	const most = 200
	if len(name) > most {
		return fmt.Sprintf("%q…", name[:most])
	}
	return strconv.Quote(name)
}
