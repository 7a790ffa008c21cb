// Package newoverlay creates an overlay from an upload in one step: the overlay is named after its
// content, and the upload is published as its first revision.
package newoverlay

import (
	"cmp"
	"context"
	"errors"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

// fallback is the name of an overlay whose content has no name in ASCII letters.
const fallback = "content"

// Maker creates overlays from uploads. It is safe for concurrent use.
type Maker struct {
	Overlays *overlays.Overlays
	Uploads  *uploads.Uploads
	Jobs     *jobs.Jobs
}

// Made is an overlay that was created from an upload.
type Made struct {
	Name  left4me.Name
	Title string       // title of the campaign or add-on; may be empty
	Job   left4me.Job  // publishes the upload; without an id if Asked > 0
	Plan  left4me.Plan // upload to publish
}

// Asked returns the number of files that have several equally likely places. A user must choose
// before the upload is published.
func (m Made) Asked() int { return m.Plan.Asked }

// Begin starts an upload for a new overlay. file is the name of its first file; it names the overlay
// until Publish has read the content. Errors: those of uploads.Uploads.Create.
func (m *Maker) Begin(ctx context.Context, by accounts.Actor, file string) (uploads.Upload, error) {
	name, err := m.propose(ctx, stem(file))
	if err != nil {
		return uploads.Upload{}, err
	}
	return m.Uploads.Create(ctx, by, name)
}

// Publish creates the overlay of an upload that Begin started, and adds the job that publishes it. The
// overlay is named after the title of its campaign or add-on, or else after its file. If files have
// several equally likely places, the overlay is created, but nothing is published. Errors:
// left4me.NotFound; left4me.Invalid if the upload is incomplete or has no usable content. In that case, no
// overlay is created.
func (m *Maker) Publish(ctx context.Context, by accounts.Actor, id, note string) (Made, error) {
	u, err := m.Uploads.Get(ctx, by, id)
	if err == nil {
		u, err = m.Uploads.Ready(ctx, by, u.Overlay, id)
	}
	if err != nil {
		return Made{}, err
	}
	change := left4me.Change{Upload: id, Base: left4me.NoRevision, Import: left4me.Import{Moves: u.Moves}}
	plan, err := m.Overlays.Plan(ctx, u.Overlay, change)
	switch {
	case err != nil:
		return Made{}, err
	case plan.Problem != nil:
		return Made{}, plan.Problem
	}
	made := Made{Title: strings.TrimSpace(plan.Title), Plan: plan}
	if made.Name, err = m.create(ctx, by, made.Title, cmp.Or(made.Title, nameOf(u, plan))); err != nil {
		return Made{}, err
	}
	if err := m.Uploads.Assign(ctx, by, id, made.Name); err != nil {
		return Made{}, err
	}
	if plan.Asked > 0 {
		return made, nil
	}
	made.Job, err = m.Overlays.Build(ctx, by.Cause(), made.Name, overlays.Request{Note: note, Change: &change})
	return made, err
}

// create creates an overlay named after a title.
func (m *Maker) create(ctx context.Context, by accounts.Actor, title, named string) (left4me.Name, error) {
	for tries := 0; ; tries++ {
		name, err := m.propose(ctx, named)
		if err != nil {
			return "", err
		}
		v := left4me.Overlay{Name: name, Kind: left4me.FilesOverlay}
		if note, err := overlays.Check(left4me.Overlay{Name: name, Kind: v.Kind, Note: title}); err == nil {
			v = note
		}
		_, err = m.Overlays.Create(ctx, by.Cause(), v)
		if errors.Is(err, left4me.Conflict) && tries < 3 { // another request used the name in the meantime
			continue
		}
		return name, err
	}
}

func (m *Maker) propose(ctx context.Context, title string) (left4me.Name, error) {
	name, err := overlays.ProposeName(ctx, m.Overlays, title)
	if err == nil && name == "" {
		name, err = overlays.ProposeName(ctx, m.Overlays, fallback)
	}
	return name, err
}

// nameOf returns a name for an upload without a title: that of its only VPK, which may be in an
// archive, or that of its first file or folder.
func nameOf(u uploads.Upload, plan left4me.Plan) string {
	packs := 0
	pack := ""
	for _, f := range plan.Files {
		if strings.EqualFold(path.Ext(f.Path), ".vpk") {
			packs, pack = packs+1, f.Path
		}
	}
	if packs == 1 {
		return stem(pack)
	}
	first, _, _ := strings.Cut(u.Files[0].Path, "/")
	return stem(first)
}

// stem returns the name of a file without its directory and its extension.
func stem(file string) string {
	name := path.Base(strings.ReplaceAll(file, `\`, "/"))
	stem := strings.TrimSuffix(name, path.Ext(name))
	return cmp.Or(strings.TrimSuffix(stem, ".tar"), name)
}

// Wait waits until the job of an overlay has ended or ctx ends, and returns its last state. Errors:
// left4me.NotFound.
func (m *Maker) Wait(ctx context.Context, id left4me.JobID) (job left4me.Job, err error) {
	states, err := m.Jobs.Watch(ctx, id)
	if err != nil {
		return job, err
	}
	for v := range states {
		job = v
	}
	return job, nil
}
