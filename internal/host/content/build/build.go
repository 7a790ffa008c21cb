// Package build builds revisions of overlays of all kinds: it stages the files of an overlay, checks
// the result and publishes it. It also plans what an upload would change, and stores uploads until they
// are published.
package build

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// Options are the dependencies of a Builder.
type Options struct {
	Files      instance.Files
	Repository *overlays.Repository
	Downloads  *download.Client
	Workshop   *workshop.Source
	Machine    script.Machine // runs scripts
	GitHub     string         // base URL of the API for releases; empty: GitHub
	Decoder    []string       // command line of a process that calls archive.Decode; empty: decode archives in this process
	Log        *slog.Logger

	// Written opens the files that a server wrote, on top of the layers of its last start.
	Written func(left4me.Name) (*stack.Stack, error)
	// Published is called after each new revision.
	Published func()
}

// Builder builds the overlays of a host. It is safe for concurrent use with different overlays.
type Builder struct {
	Options
	uploads *uploads
}

// New returns a Builder.
func New(o Options) *Builder { return &Builder{Options: o, uploads: &uploads{o, newChecks()}} }

// Build stages the files of an overlay, checks them and publishes a revision. An interrupted build can
// be repeated at any point.
func (r *Builder) Build(ctx context.Context, id left4me.JobID, spec left4me.BuildSpec, p *job.Progress) (err error) {
	how, err := sourceOf(spec)
	if err != nil {
		return err
	}
	steps := slices.Concat([]string{left4me.StepStageOverlay}, how.steps, []string{left4me.StepInspect, left4me.StepPublishOverlay})
	p.Plan(steps...)
	if r.alreadyPublished(spec.Overlay.Name, id, p, steps) {
		r.published(ctx, spec)
		return nil
	}
	defer func() { // an interrupted job is repeated and needs its upload
		if err != nil && !job.Interrupted(ctx) && spec.Change != nil && spec.Change.Once {
			r.uploads.drop(ctx, spec)
		}
	}()
	b := &build{builder: r, id: id, spec: spec, p: p, meta: overlays.Meta{By: spec.By, Job: id, Note: spec.Note}}
	err = p.Step(ctx, left4me.StepStageOverlay, func(ctx context.Context) (left4me.Notes, error) {
		b.staging, err = r.Repository.Stage(ctx, spec.Overlay.Name, id)
		return nil, err
	})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := b.staging.Close(); cerr != nil {
			r.Log.WarnContext(ctx, "drop what was staged", "job", id, "err", cerr)
		}
	}()
	if err := how.fill(ctx, b); err != nil {
		return err
	}
	if err := b.inspect(ctx); err != nil {
		return err
	}
	return p.Step(ctx, left4me.StepPublishOverlay, func(ctx context.Context) (left4me.Notes, error) {
		rev, changed, err := r.Repository.Publish(ctx, b.staging, b.meta, b.progress(left4me.StepPublishOverlay))
		switch {
		case err != nil:
			return nil, err
		case !changed:
			r.uploads.drop(ctx, spec)
			return left4me.Notes{left4me.NewNote("revision.unchanged", "revision", rev.Number)}, nil
		}
		r.published(ctx, spec)
		return left4me.Notes{
			left4me.NewNote("revision.published", "revision", rev.Number,
				"added", rev.Added, "changed", rev.Changed, "removed", rev.Removed),
		}, nil
	})
}

// alreadyPublished reports whether the job had already published its revision when left4me ended before reporting
// it.
func (r *Builder) alreadyPublished(n left4me.Name, id left4me.JobID, p *job.Progress, labels []string) bool {
	rev, ok := r.Repository.PublishedBy(n, id)
	if ok {
		p.Skip(left4me.NewNote("step.done_before_restart"), labels...)
		p.Note(left4me.StepPublishOverlay, left4me.NewNote("revision.published_before_restart", "revision", rev.Number))
	}
	return ok
}

// published announces a new revision and removes its upload, or keeps it so that users can select
// another encoding for its names.
func (r *Builder) published(ctx context.Context, spec left4me.BuildSpec) {
	r.Published()
	if spec.Change != nil && spec.Change.Upload != "" {
		if dir, err := r.uploads.dir(spec.Change.Upload); err == nil && r.uploads.keep(ctx, dir) {
			return
		}
	}
	r.uploads.drop(ctx, spec)
}

// build is one run of a BuildOverlay job.
type build struct {
	builder *Builder
	id      left4me.JobID
	spec    left4me.BuildSpec
	staging *overlays.Staging
	p       *job.Progress
	meta    overlays.Meta // sources add Origin, Items and Warnings
}

// source stages the files of an overlay. It runs the listed steps.
type source struct {
	steps []string
	fill  func(ctx context.Context, b *build) error
}

// sourceOf returns the source for an overlay's files.
func sourceOf(spec left4me.BuildSpec) (source, error) {
	if spec.Change != nil && len(spec.Change.Repair) > 0 {
		return source{steps: []string{left4me.StepRepairTexts}, fill: repairTexts}, nil
	}
	if spec.FromBackup != nil {
		return source{steps: []string{left4me.StepReadBackup}, fill: fromBackup}, nil
	}
	if spec.Promote != nil && spec.Overlay.Kind == left4me.FilesOverlay {
		return source{steps: []string{left4me.StepFetch}, fill: promote}, nil
	}
	switch spec.Overlay.Kind {
	case left4me.FilesOverlay:
		if spec.Change != nil {
			return source{steps: []string{left4me.StepUnpack}, fill: change}, nil
		}
	case left4me.GitOverlay:
		return source{steps: fetched, fill: buildGit}, nil
	case left4me.ReleaseOverlay:
		return source{steps: fetched, fill: buildRelease}, nil
	case left4me.ScriptOverlay:
		return scriptSource(), nil
	case left4me.WorkshopOverlay:
		return source{steps: []string{left4me.StepAskWorkshop, left4me.StepFetch}, fill: buildWorkshop}, nil
	}
	return source{}, left4me.NewError(left4me.Invalid, "overlay.kind_unknown", "kind", spec.Overlay.Kind)
}

// damage contains the kinds of warnings about files that servers cannot use.
var damage = []string{left4me.WarnBroken, left4me.WarnIncomplete, left4me.WarnOtherGame}

// inspect seals the staged files and searches them for problems.
func (b *build) inspect(ctx context.Context) error {
	return b.p.Step(ctx, left4me.StepInspect, func(ctx context.Context) (left4me.Notes, error) {
		saved, err := b.plainTexts(ctx)
		if err != nil {
			return nil, err
		}
		dir, err := b.staging.Seal(ctx, b.progress(left4me.StepInspect))
		if err != nil {
			return nil, err
		}
		warnings, campaigns, err := inspect.Tree(ctx, dir, b.spec.NamesHint)
		if err != nil {
			return nil, err
		}
		broken, err := b.sums(ctx, dir)
		if err != nil {
			return nil, err
		}
		b.meta.Warnings = slices.Concat(b.meta.Warnings, warnings, broken)
		b.meta.Campaigns = campaigns
		for _, w := range b.meta.Warnings { // in the log of the run, before the revision is published
			if w.Path != "" && slices.Contains(damage, w.Kind) {
				b.p.Print(fmt.Sprintf("problem in %s: %s", w.Path, w.Text))
			}
		}
		var notes left4me.Notes
		if saved > 0 {
			notes = append(notes, left4me.NewNote("texts.saved_as_utf8", "count", saved))
		}
		if n := len(b.meta.Warnings); n > 0 {
			notes = append(notes, left4me.NewNote("inspect.warnings", "count", n))
		}
		if n := len(campaigns); n > 0 {
			notes = append(notes, left4me.NewNote("inspect.campaigns", "count", n))
		}
		return notes, nil
	})
}

// sums returns warnings about wrong checksums of add-ons. Add-ons that are also in the current revision
// were checked when that was built, so only those with a warning are checked again.
func (b *build) sums(ctx context.Context, dir string) ([]left4me.Warning, error) {
	paths, err := b.staging.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	now, err := b.builder.Repository.Get(ctx, b.spec.Overlay.Name, 0, nil)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return nil, err
	}
	for _, r := range now.Revisions {
		for _, w := range r.Warnings {
			if w.Kind == left4me.WarnBroken && w.Path != "" && !slices.Contains(paths, w.Path) {
				paths = append(paths, w.Path)
			}
		}
	}
	slices.Sort(paths)
	return inspect.Sums(ctx, dir, paths, nil)
}

// progress returns a function that records the progress of a step.
func (b *build) progress(step string) overlays.Progress {
	return func(n left4me.Progress) { b.p.Set(step, func(s *left4me.Step) { s.Progress = n }) }
}

// copyProgress returns a function that records copied bytes at most every 200 ms and at the end.
func (b *build) copyProgress(step string) func(done, total int64) {
	var reported time.Time
	return func(done, total int64) {
		if now := time.Now(); done == total || now.Sub(reported) > copyInterval {
			reported = now
			b.progress(step)(left4me.Progress{Done: done, Total: total, Unit: "bytes"})
		}
	}
}

const copyInterval = 200 * time.Millisecond
