package agent

import (
	"context"
	"errors"
	"fmt"
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

// mergeWithin bounds how long somebody who looks at files may keep the disk busy.
const mergeWithin = 30 * time.Second

// merged answers what is asked about a stack without mounting it.
func (a *Agent) merged(ctx context.Context, verb string, data []byte) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, mergeWithin)
	defer cancel()
	switch verb {
	case bus.VerbStack:
		return with(data, func(r bus.StackRequest) (any, error) {
			s, err := a.stackOf(r.Spec, r.Written)
			if err != nil {
				return nil, err
			}
			defer s.Close()
			return s.Page(ctx, r.Filter)
		})
	case bus.VerbStackDiff:
		return with(data, func(r bus.StackDiffRequest) (any, error) { return a.stackDiff(ctx, r) })
	case bus.VerbStackFile:
		return with(data, func(r bus.StackRequest) (any, error) { return a.stackFile(ctx, r) })
	default: // bus.VerbUpper
		return with(data, func(r bus.UpperRequest) (any, error) { return a.written(ctx, r) })
	}
}

// stackOf opens the layers that a server would be started with.
func (a *Agent) stackOf(spec left4me.Spec, written bool) (*stack.Stack, error) {
	if !spec.Name.Valid() {
		return nil, left4me.Errorf(left4me.Invalid, "%q is not a name", string(spec.Name))
	}
	dirs, _, err := a.Files.Layers(spec.Overlays)
	if err != nil {
		return nil, err
	}
	if config, ok := a.Files.ConfigDir(spec.Name); ok {
		dirs = append([]string{config}, dirs...)
	}
	return a.openStack(spec.Name, dirs, written)
}

// runningStack opens the layers that a server was last started with.
func (a *Agent) runningStack(n left4me.Name, written bool) (*stack.Stack, error) {
	if !n.Valid() {
		return nil, left4me.Errorf(left4me.Invalid, "%q is not a name", string(n))
	}
	env, err := a.Files.ReadEnv(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, left4me.Errorf(left4me.NotFound, "%s was never started", n).WithHint("start it first")
	}
	if err != nil {
		return nil, err
	}
	return a.openStack(n, env.Lowerdirs, written)
}

// openStack opens layers that are given relative to the root.
func (a *Agent) openStack(n left4me.Name, dirs []string, written bool) (*stack.Stack, error) {
	var layers []stack.Layer
	if written {
		layers = append(layers, stack.Layer{Name: "written", Dir: a.Files.Upper(n)})
	}
	for _, d := range dirs {
		layers = append(layers, stack.Layer{Name: layerName(d), Dir: filepath.Join(string(a.Files.Root), filepath.FromSlash(d))})
	}
	return stack.Open(layers)
}

// layerName is what people call a layer.
func layerName(dir string) string {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "overlays" && len(parts) == 3:
		return "overlay " + parts[1] + "@" + parts[2]
	case parts[0] == "installation":
		return "game"
	case parts[0] == "instances":
		return "configuration"
	}
	return dir
}

func (a *Agent) stackDiff(ctx context.Context, r bus.StackDiffRequest) (any, error) {
	var from *stack.Stack
	var err error
	if r.Running {
		from, err = a.runningStack(r.From.Name, false)
	} else {
		from, err = a.stackOf(r.From, false)
	}
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := a.stackOf(r.To, false)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	return stack.Diff(ctx, from, to, r.After, r.Limit)
}

func (a *Agent) stackFile(ctx context.Context, r bus.StackRequest) (any, error) {
	s, err := a.stackOf(r.Spec, r.Written)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f, what, err := s.File(ctx, r.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	answer := bus.FileAnswer{V: bus.Version, Size: what.Size}
	if r.Inside != "" {
		return overlays.Inside(answer, f, r.Inside)
	}
	if what.Size <= bus.MaxFile {
		answer.Data, err = io.ReadAll(io.LimitReader(f, bus.MaxFile))
	}
	return answer, err
}

// written lists what a server wrote, over what it is stacked on: so each file
// tells what it hides.
func (a *Agent) written(ctx context.Context, r bus.UpperRequest) (any, error) {
	s, err := a.runningStack(r.Server, true)
	if errors.Is(err, left4me.NotFound) { // it never wrote anything
		return left4me.Page[left4me.TreeFile]{Items: []left4me.TreeFile{}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Written(ctx, r.Filter)
}

// discard drops files that a server wrote.
func (a *Agent) discard(ctx context.Context, spec bus.DiscardSpec, p *progress) error {
	p.plan(left4me.StepDiscard)
	err := p.step(ctx, left4me.StepDiscard, func(ctx context.Context) (string, error) {
		if mounted, err := a.mounted(spec.Server); err != nil || mounted {
			return "", errors.Join(err,
				left4me.Errorf(left4me.Busy, "the overlay of %s is in use", spec.Server).WithHint("stop it first"))
		}
		ctx, cancel := context.WithTimeout(ctx, emptyWithin)
		defer cancel()
		return fmt.Sprintf("%d named", len(spec.Paths)), a.supervisor.Discard(ctx, spec.Server, spec.Paths)
	})
	if err != nil {
		return fmt.Errorf("discard files of %s: %w", spec.Server, err)
	}
	return nil
}
