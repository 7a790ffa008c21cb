package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/left4me"
)

// run builds the overlay of a job.
func (o *overlayBuilds) run(ctx context.Context, m bus.JobMessage, p *progress) error {
	if !m.Target.Valid() {
		return left4me.Errorf(left4me.Invalid, "job %s names no overlay", m.ID)
	}
	var spec left4me.BuildSpec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || spec.Overlay.Name != m.Target {
		return left4me.Errorf(left4me.Invalid, "job %s can't be read", m.ID)
	}
	return o.build(ctx, m.ID, spec, p)
}

// build has a builder fill a staging, looks at the result and publishes it.
// It may be begun again at any point.
func (o *overlayBuilds) build(ctx context.Context, id left4me.JobID, spec left4me.BuildSpec, p *progress) (err error) {
	how, err := builderOf(spec)
	if err != nil {
		return err
	}
	steps := slices.Concat([]string{left4me.StepStageOverlay}, how.steps, []string{left4me.StepInspect, left4me.StepPublishOverlay})
	p.plan(steps...)
	if o.made(spec.Overlay.Name, id, p, steps) {
		o.published(spec)
		return nil
	}
	defer func() { // one that is cut goes on, with its upload
		if err != nil && !leaves(ctx) && spec.Change != nil && spec.Change.Once {
			o.uploads.drop(spec)
		}
	}()
	b := &build{builds: o, id: id, spec: spec, p: p, meta: overlays.Meta{By: spec.By, Job: id, Note: spec.Note}}
	err = p.step(ctx, left4me.StepStageOverlay, func(ctx context.Context) (string, error) {
		b.staging, err = o.repo.Stage(ctx, spec.Overlay.Name, id)
		return "", err
	})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := b.staging.Close(); cerr != nil {
			o.core.log.Warn("drop what was staged", "job", id, "err", cerr)
		}
	}()
	if err := how.fill(ctx, b); err != nil {
		return err
	}
	if err := b.inspect(ctx); err != nil {
		return err
	}
	return p.step(ctx, left4me.StepPublishOverlay, func(ctx context.Context) (string, error) {
		r, changed, err := o.repo.Publish(ctx, b.staging, b.meta, b.say(left4me.StepPublishOverlay))
		switch {
		case err != nil:
			return "", err
		case !changed:
			o.uploads.drop(spec)
			return fmt.Sprintf("nothing has changed: revision %d stays", r.Number), nil
		}
		o.published(spec)
		return fmt.Sprintf("revision %d: %d added, %d changed, %d removed", r.Number, r.Added, r.Changed, r.Removed), nil
	})
}

// made reports whether a job did its work before left4me ended and only its word
// was lost.
func (o *overlayBuilds) made(n left4me.Name, id left4me.JobID, p *progress, labels []string) bool {
	r, ok := o.repo.Made(n, id)
	if ok {
		p.skip("done before left4me was started anew", labels...)
		p.note(left4me.StepPublishOverlay, fmt.Sprintf("revision %d was published before left4me was started anew", r.Number))
	}
	return ok
}

// published tells of a new revision, and drops what it was made from, or keeps it
// for another encoding of its names.
func (o *overlayBuilds) published(spec left4me.BuildSpec) {
	o.content.publishCurrents()
	if spec.Change != nil && spec.Change.Upload != "" {
		if dir, err := o.uploads.dir(spec.Change.Upload); err == nil && o.uploads.keep(dir) {
			return
		}
	}
	o.uploads.drop(spec)
}

// overlayBuilds works on jobs that build overlays.
type overlayBuilds struct {
	core      *core
	repo      *overlays.Repository
	uploads   *uploads
	stacks    *stacks
	content   *overlayContent
	downloads *download.Client
	workshop  *workshop.Source
}

func newOverlayBuilds(c *core, repo *overlays.Repository, st *stacks, content *overlayContent) (*overlayBuilds, error) {
	o := &overlayBuilds{core: c, repo: repo, uploads: &uploads{core: c, repo: repo}, stacks: st, content: content}
	var err error
	if o.downloads, err = download.New(c.Downloads); err != nil {
		return nil, err
	}
	o.workshop = workshop.New(workshop.Options{
		Dir:       filepath.Join(string(c.Files.Root), "workshop_cache"),
		API:       c.Steam.API,
		Downloads: o.downloads,
	})
	return o, nil
}

// build is one run of a BuildOverlay job.
type build struct {
	builds  *overlayBuilds
	id      left4me.JobID
	spec    left4me.BuildSpec
	staging *overlays.Staging
	p       *progress
	meta    overlays.Meta // a builder adds Origin, Items and Warnings
}

// builder fills the staging of a build with the files of its overlay. It runs
// the steps whose labels it names.
type builder struct {
	steps []string
	fill  func(ctx context.Context, b *build) error
}

// builderOf says how the files of an overlay come about.
func builderOf(spec left4me.BuildSpec) (builder, error) {
	if spec.Change != nil && len(spec.Change.Repair) > 0 {
		return builder{steps: []string{left4me.StepRepairTexts}, fill: repairTexts}, nil
	}
	if spec.Promote != nil && spec.Overlay.Kind == left4me.FilesOverlay {
		return builder{steps: []string{left4me.StepFetch}, fill: promote}, nil
	}
	switch spec.Overlay.Kind {
	// One case for each kind.
	case left4me.FilesOverlay:
		if spec.Change != nil {
			return builder{steps: []string{left4me.StepUnpack}, fill: change}, nil
		}
	case left4me.GitOverlay:
		return builder{steps: fetched, fill: buildGit}, nil
	case left4me.ReleaseOverlay:
		return builder{steps: fetched, fill: buildRelease}, nil
	case left4me.ScriptOverlay:
		return scriptBuilder(), nil
	case left4me.WorkshopOverlay:
		return builder{steps: []string{left4me.StepAskWorkshop, left4me.StepFetch}, fill: buildWorkshop}, nil
	}
	return builder{}, left4me.Errorf(left4me.Invalid, "overlays of the kind %q can't be built here", spec.Overlay.Kind).
		WithHint("bring left4me there up to date")
}

// inspect takes over what was staged and looks for what will hurt players.
func (b *build) inspect(ctx context.Context) error {
	return b.p.step(ctx, left4me.StepInspect, func(ctx context.Context) (string, error) {
		saved, err := b.plainTexts(ctx)
		if err != nil {
			return "", err
		}
		dir, err := b.staging.Seal(ctx, b.say(left4me.StepInspect))
		if err != nil {
			return "", err
		}
		warnings, campaigns, err := inspect.Tree(ctx, dir, b.spec.NamesHint)
		if err != nil {
			return "", err
		}
		broken, err := b.sums(ctx, dir)
		if err != nil {
			return "", err
		}
		b.meta.Warnings = slices.Concat(b.meta.Warnings, warnings, broken)
		b.meta.Campaigns = campaigns
		var notes []string
		if saved > 0 {
			notes = append(notes, fmt.Sprintf("%d texts saved as UTF-8", saved))
		}
		if n := len(b.meta.Warnings); n > 0 {
			notes = append(notes, fmt.Sprintf("%d warnings", n))
		}
		if n := len(campaigns); n > 0 {
			notes = append(notes, fmt.Sprintf("%d campaigns", n))
		}
		return strings.Join(notes, ", "), nil
	})
}

// sums are the checksums of add-ons that are wrong. Those that the current revision
// has too were right when it was made, but for those that it warns of.
func (b *build) sums(ctx context.Context, dir string) ([]left4me.Warning, error) {
	paths, err := b.staging.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	now, err := b.builds.content.repo.Get(ctx, b.spec.Overlay.Name, 0, nil)
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

// say tells how far a step is.
func (b *build) say(step string) overlays.Progress {
	return func(n left4me.Progress) { b.p.set(step, func(s *left4me.Step) { s.Progress = n }) }
}

// copied returns what tells how many bytes were copied: a few times a second, and
// at the end.
func (b *build) copied(step string) func(done, total int64) {
	var told time.Time
	return func(done, total int64) {
		if now := time.Now(); done == total || now.Sub(told) > tellCopy {
			told = now
			b.say(step)(left4me.Progress{Done: done, Total: total, Unit: "bytes"})
		}
	}
}

const tellCopy = 200 * time.Millisecond
