package agent

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/left4me"
)

// mergeWithin is the deadline for one request that reads layers, which limits the disk load.
const mergeWithin = 30 * time.Second

// stacks reads the merged layers of servers without mounting them.
type stacks struct{ core *core }

// page returns a page of the files of a stack.
func (s *stacks) page(ctx context.Context, r bus.StackRequest) (page left4me.Page[left4me.TreeFile], err error) {
	ctx, cancel := context.WithTimeout(ctx, mergeWithin)
	defer cancel()
	st, err := s.planned(r.Spec, r.Written, r.Shown)
	if err != nil {
		return page, err
	}
	defer st.Close()
	return st.Page(ctx, r.Filter)
}

// planned opens the layers that the next start of a server would use.
func (s *stacks) planned(spec left4me.Spec, written bool, shown bus.Shown) (*stack.Stack, error) {
	if !spec.Name.Valid() {
		return nil, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", spec.Name)
	}
	dirs, _, err := s.core.Files.Root.Layers(spec.Overlays)
	if err != nil {
		return nil, err
	}
	if config, ok := s.core.Files.Root.ConfigDir(spec.Name); ok {
		dirs = append([]string{config}, dirs...)
	}
	return s.open(spec.Name, dirs, written, shown)
}

// running opens the layers that the last start of a server used.
func (s *stacks) running(n left4me.Name, written bool, shown bus.Shown) (*stack.Stack, error) {
	if !n.Valid() {
		return nil, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n)
	}
	env, err := s.core.Files.Root.ReadEnv(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, left4me.NewError(left4me.NotFound, "server.never_started", "server", n)
	}
	if err != nil {
		return nil, err
	}
	return s.open(n, env.Lowerdirs, written, shown)
}

// open opens layers whose directories are relative to the root.
func (s *stacks) open(n left4me.Name, dirs []string, written bool, shown bus.Shown) (*stack.Stack, error) {
	var layers []stack.Layer
	if written {
		layers = append(layers, stack.Layer{Name: "written", Dir: s.core.Files.Root.Upper(n)})
	}
	for _, d := range dirs {
		layers = append(layers,
			stack.Layer{Name: layerName(d, shown), Dir: filepath.Join(string(s.core.Files.Root), filepath.FromSlash(d))})
	}
	return stack.Open(layers)
}

// layerName returns the display name of a layer.
func layerName(dir string, shown bus.Shown) string {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "overlays" && len(parts) == 3:
		return "overlay " + string(shown.Name(left4me.Name(parts[1]))) + "@" + parts[2]
	case parts[0] == "installation":
		return "game"
	case parts[0] == "instances":
		return "configuration"
	}
	return dir
}

// diff compares two stacks, or the stack of a running server with the one that its next start would
// use.
func (s *stacks) diff(ctx context.Context, r bus.StackDiffRequest) (changes left4me.Page[left4me.FileChange], err error) {
	ctx, cancel := context.WithTimeout(ctx, mergeWithin)
	defer cancel()
	var from *stack.Stack
	if r.Running {
		from, err = s.running(r.From.Name, false, nil)
	} else {
		from, err = s.planned(r.From, false, nil)
	}
	if err != nil {
		return changes, err
	}
	defer from.Close()
	to, err := s.planned(r.To, false, nil)
	if err != nil {
		return changes, err
	}
	defer to.Close()
	return stack.Diff(ctx, from, to, r.After, r.Limit)
}

// file reads a file of a stack, or a file inside a VPK of the stack.
func (s *stacks) file(ctx context.Context, r bus.StackRequest) (answer bus.FileAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, mergeWithin)
	defer cancel()
	st, err := s.planned(r.Spec, r.Written, r.Shown)
	if err != nil {
		return answer, err
	}
	defer st.Close()
	f, what, err := st.File(ctx, r.Path)
	if err != nil {
		return answer, err
	}
	defer f.Close()
	answer = bus.FileAnswer{V: bus.Version, Size: what.Size}
	if r.Inside != "" {
		return overlays.Inside(answer, f, r.Inside)
	}
	if what.Size <= bus.MaxFile {
		answer.Data, err = io.ReadAll(io.LimitReader(f, bus.MaxFile))
	}
	return answer, err
}

// upperFiles lists the files in a server's writable layer. It opens the layers below too, because each
// entry names the file that it hides.
func (s *stacks) upperFiles(ctx context.Context, r bus.UpperRequest) (files left4me.Page[left4me.TreeFile], err error) {
	ctx, cancel := context.WithTimeout(ctx, mergeWithin)
	defer cancel()
	st, err := s.running(r.Server, true, r.Shown)
	if errors.Is(err, left4me.NotFound) { // the server has never written anything
		return left4me.Page[left4me.TreeFile]{Items: []left4me.TreeFile{}}, nil
	}
	if err != nil {
		return files, err
	}
	defer st.Close()
	return st.Written(ctx, r.Filter)
}

// configDiff compares the configuration that a start would generate with the one that the last
// start used.
func (s *stacks) configDiff(_ context.Context, spec left4me.Spec) (d bus.ConfigDiff, err error) {
	files, err := s.core.Files.Diff(spec)
	if err != nil {
		return d, err
	}
	d = bus.ConfigDiff{V: bus.Version, Files: make([]bus.ConfigFile, len(files))}
	for i, f := range files {
		d.Files[i] = bus.ConfigFile(f)
	}
	return d, nil
}
