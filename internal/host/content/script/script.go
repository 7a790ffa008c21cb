// Package script makes the files of an overlay by running its shell script.
//
// The script runs in a sandbox of the machine (a unit, or namespaces), as a user
// who can do nothing else, and is believed nothing: what it printed is cleaned
// and bounded, and what it left is copied, file by file, after everything that it
// started has ended. A run outlives left4me: a successor that asks for the same
// one follows it, or finds its end.
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
	// StartBuild starts it; one that runs already is success.
	StartBuild(ctx context.Context, id left4me.Name) error
	// Building reports whether it runs. When it doesn't, nothing of it can write any
	// more, and end says how it ended; nil is that it came to no end.
	Building(ctx context.Context, id left4me.Name) (runs bool, end *sandbox.End, err error)
	// StopBuild ends it with all that it started, within 5 s, and forgets how it
	// ended. One that doesn't run is success.
	StopBuild(ctx context.Context, id left4me.Name) error
	// BuildGroup is what scripts run as, -1 for our own.
	BuildGroup() (int, error)
}

const (
	followEvery = 200 * time.Millisecond
	beginWithin = 30 * time.Second
	stopWithin  = 10 * time.Second
	// staleAfter is when a run that nobody followed is somebody's no more.
	staleAfter = 24 * time.Hour
)

// Builder runs scripts.
type Builder struct {
	Root    string
	Machine Machine
}

// Job is one run.
type Job struct {
	ID      left4me.Name // of the run: one that was begun under it goes on
	Overlay left4me.Name
	Script  string
	Env     map[string]string // further variables: OUT, HOME, PATH… are there

	// Print is handed each line that the script prints, without control characters.
	// It must not block.
	Print func(line string)
	// Copied is told how much of what the script left is copied; it may be nil.
	Copied func(done, total int64)
}

// Run runs a script to its end and copies what it left to into, an empty
// directory. The log is kept in any case: [Builder.LogFile]. When ctx ends the
// run is ended, unless keep reports that a successor will follow it. Errors:
// left4me.Invalid for what the script did or left, left4me.Unavailable for what
// was in its way.
func (b *Builder) Run(ctx context.Context, j Job, into *os.Root, keep func() bool) (took Taken, err error) {
	if !j.ID.Valid() || !j.Overlay.Valid() {
		return Taken{}, left4me.NewError(left4me.Invalid, "script.run_invalid", "job", j.ID)
	}
	dir := sandbox.Dir(b.Root, j.ID)
	end, err := b.follow(ctx, j, dir)
	if ctx.Err() != nil && keep() {
		return Taken{}, ctx.Err()
	}
	// Whatever happened: it ends here.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err == nil {
		err = verdict(end)
	}
	if stopped := b.Machine.StopBuild(clean, j.ID); stopped != nil {
		return Taken{}, errors.Join(err, stopped)
	}
	err = errors.Join(err, b.keepLog(j.Overlay, j.ID, dir))
	if err == nil {
		took, err = take(ctx, filepath.Join(dir, sandbox.OutName), into, j.Copied)
	}
	return took, errors.Join(err, b.discard(clean, j.ID))
}

// verdict says what is wrong with an end.
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

// follow starts a run, or finds it, and returns its end.
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
		if sandbox.Full(dir) { // the script could hold up the one that inspects this inside
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

// begin lays a run and starts it.
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
	if err := sandbox.Lay(dir, sandbox.Request{Script: j.Script, Env: env}, group); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	return b.Machine.StartBuild(ctx, j.ID)
}

// discard removes the directory of a run that has ended. What its script made
// unreadable for us a run of nothing makes readable.
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

// remove removes a tree, with directories that their owner may not write to.
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

// Sweep ends and removes runs that nobody asked for again since a day: their job
// ended while left4me did not run.
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
