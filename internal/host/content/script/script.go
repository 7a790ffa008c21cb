// Package script creates the files of an overlay by running its shell script.
//
// The script runs in a sandbox (a systemd unit or namespaces) as a user without other permissions, and
// is not trusted: its output is cleaned and limited, and its files are copied one by one after all its
// processes have ended. A run outlives left4me: a restarted left4me that requests the same run follows
// it or gets its result.
package script

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/left4me"
)

// Machine runs `left4me build ID`, which outlives the agent.
type Machine interface {
	// StartBuild starts a build. If it already runs, that is a success.
	StartBuild(ctx context.Context, id left4me.Name) error
	// Building reports whether a build runs. If not, none of its processes is left, and end describes
	// the result; nil means that the build was interrupted.
	Building(ctx context.Context, id left4me.Name) (runs bool, end *sandbox.End, err error)
	// StopBuild ends a build with all its processes within 5 s, and discards its result. If it doesn't
	// run, that is a success.
	StopBuild(ctx context.Context, id left4me.Name) error
	// BuildGroup returns the group of the user for scripts, or -1 for our own group.
	BuildGroup() (int, error)
}

const (
	followEvery = 200 * time.Millisecond
	beginWithin = 30 * time.Second
	stopWithin  = 10 * time.Second
	// staleAfter is the age at which a run that is no longer followed is removed.
	staleAfter = 24 * time.Hour
)

// Builder runs scripts.
type Builder struct {
	Root    string
	Machine Machine
}

// Job describes one run.
type Job struct {
	ID      left4me.Name // id of the run; an existing run with this id is continued
	Overlay left4me.Name
	Script  string
	Env     map[string]string // additional variables; OUT, HOME, PATH and others are predefined

	// Print receives each line that the script prints, without control characters. It must not block.
	Print func(line string)
	// Copied receives the progress of copying the script's files; it may be nil.
	Copied func(done, total int64)
}

// Run runs a script to its end and copies its files to into, an empty directory. The log is always
// kept, see [Builder.LogFile]. If ctx ends, the run is stopped, unless keep reports that a restarted
// left4me will follow it. Errors: left4me.Invalid for failures of the script, left4me.Unavailable for
// failures of its environment.
func (b *Builder) Run(ctx context.Context, j Job, into *os.Root, keep func() bool) (took Totals, err error) {
	if !j.ID.Valid() || !j.Overlay.Valid() {
		return Totals{}, left4me.NewError(left4me.Invalid, "script.run_invalid", "job", j.ID)
	}
	dir := sandbox.Dir(b.Root, j.ID)
	end, err := b.follow(ctx, j, dir)
	if ctx.Err() != nil && keep() {
		return Totals{}, ctx.Err()
	}
	// Stop the run in every other case.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err == nil {
		err = verdict(end)
	}
	if stopped := b.Machine.StopBuild(clean, j.ID); stopped != nil {
		return Totals{}, errors.Join(err, stopped)
	}
	err = errors.Join(err, b.keepLog(j.Overlay, j.ID, dir))
	if err == nil {
		took, err = copyResult(ctx, filepath.Join(dir, sandbox.OutName), into, j.Copied)
	}
	return took, errors.Join(err, b.discard(clean, j.ID))
}

// verdict returns the error for a result, or nil for success.
func verdict(end *sandbox.End) error {
	switch {
	case end == nil:
		return left4me.NewError(left4me.Unavailable, "script.runner_ended")
	case end.Error != nil:
		return end.Error
	case end.Status > 128:
		return left4me.NewError(left4me.Invalid, "script.signal", "signal", end.Status-128, "status", end.Status)
	case end.Status != 0:
		return left4me.NewError(left4me.Invalid, "script.status", "status", end.Status)
	}
	return nil
}

// follow starts a run, or finds an existing one, and returns its result.
func (b *Builder) follow(ctx context.Context, j Job, dir string) (*sandbox.End, error) {
	runs, end, err := b.Machine.Building(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	if !runs && end == nil {
		if err := b.begin(ctx, j, dir); err != nil {
			return nil, err
		}
	}
	log := newLog(filepath.Join(dir, sandbox.LogName), j.Print)
	defer log.close()
	for tick := time.NewTicker(followEvery); ; {
		runs, end, err := b.Machine.Building(ctx, j.ID)
		log.read(!runs)
		if err != nil || !runs {
			tick.Stop()
			return end, err
		}
		if sandbox.Full(dir) { // check here, too: the script could suspend the watcher inside the sandbox
			tick.Stop()
			return nil, sandbox.ErrFull
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// begin creates the directory of a run and starts it.
func (b *Builder) begin(ctx context.Context, j Job, dir string) error {
	if sandbox.Full(filepath.Dir(dir)) {
		return sandbox.ErrFull
	}
	if err := b.discard(ctx, j.ID); err != nil {
		return err
	}
	env := map[string]string{"LEFT4ME_OVERLAY": string(j.Overlay)}
	for k, v := range j.Env {
		env[k] = v
	}
	group, err := b.Machine.BuildGroup()
	if err != nil {
		return err
	}
	if err := sandbox.Create(dir, sandbox.Request{Script: j.Script, Env: env}, group); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	return b.Machine.StartBuild(ctx, j.ID)
}

// discard removes the directory of a run that has ended. If the script made files inaccessible to this
// user, an empty script is run first, because the runner resets the modes.
func (b *Builder) discard(ctx context.Context, id left4me.Name) error {
	dir := sandbox.Dir(b.Root, id)
	err := remove(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, sandbox.ScriptName), nil, 0o640); err != nil {
		return err
	}
	if err := b.Machine.StartBuild(ctx, id); err != nil {
		return err
	}
	for tick := time.NewTicker(followEvery); ; {
		runs, _, err := b.Machine.Building(ctx, id)
		if err != nil || !runs {
			tick.Stop()
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
	}
	return errors.Join(b.Machine.StopBuild(ctx, id), remove(dir))
}

// remove removes a tree, including directories that are not writable for their owner.
func remove(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	top, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer top.Close()
	_ = fs.WalkDir(top.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && err == nil {
			_ = top.Chmod(name, 0o700|fs.ModeSetgid)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// Sweep stops and removes runs that were not requested for a day. Their job ended while left4me was not
// running.
func (b *Builder) Sweep(ctx context.Context) error {
	dirs, err := filepath.Glob(sandbox.Dir(b.Root, "*"))
	for _, dir := range dirs {
		st, e := os.Lstat(dir)
		id := left4me.Name(filepath.Base(dir)[len("build-"):])
		if e != nil || !st.IsDir() || !id.Valid() || time.Since(st.ModTime()) < staleAfter {
			continue
		}
		if e := b.Machine.StopBuild(ctx, id); e != nil {
			err = errors.Join(err, e)
			continue
		}
		err = errors.Join(err, b.discard(ctx, id))
	}
	return err
}
