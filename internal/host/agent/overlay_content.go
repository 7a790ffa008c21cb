package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayContent answers requests about the content of overlays, and carries out the jobs that
// delete or restore content.
type overlayContent struct {
	core   *core
	repo   *overlays.Repository
	layers *layerUse
}

// list returns the content of all overlays.
func (o *overlayContent) list(ctx context.Context) ([]left4me.Content, error) {
	used, err := o.layers.revisions(ctx)
	if err != nil {
		return nil, err
	}
	return o.repo.List(ctx, used)
}

// get returns the content of one overlay.
func (o *overlayContent) get(ctx context.Context, r bus.OverlayRequest) (left4me.Content, error) {
	used, err := o.layers.revisions(ctx)
	if err != nil {
		return left4me.Content{}, err
	}
	return o.repo.Get(ctx, r.Overlay, r.Revision, used)
}

// afterChange publishes the current revisions and returns the overlay's new content, unless err
// says that the change failed.
func (o *overlayContent) afterChange(ctx context.Context, n left4me.Name, err error) (left4me.Content, error) {
	if err != nil {
		return left4me.Content{}, err
	}
	o.publishCurrents()
	return o.get(ctx, bus.OverlayRequest{V: bus.Version, Overlay: n})
}

// label sets the label of a revision.
func (o *overlayContent) label(ctx context.Context, r bus.LabelRequest) (left4me.Content, error) {
	return o.afterChange(ctx, r.Overlay, o.repo.Label(r.Overlay, r.Revision, r.Label))
}

// use makes a revision the current one.
func (o *overlayContent) use(ctx context.Context, r bus.OverlayRequest) (left4me.Content, error) {
	return o.afterChange(ctx, r.Overlay, o.repo.Use(r.Overlay, r.Revision))
}

func (o *overlayContent) dropRevision(ctx context.Context, r bus.OverlayRequest) (left4me.Content, error) {
	err := func() error {
		s := o.layers.pins.survey()
		defer s.end()
		used, err := o.layers.revisions(ctx)
		if err != nil {
			return err
		}
		return s.remove(revisionDir(r.Overlay, r.Revision), func() error { return o.repo.Drop(r.Overlay, r.Revision, used) })
	}()
	if err == nil {
		err = o.repo.Sweep(ctx)
	}
	return o.afterChange(ctx, r.Overlay, err)
}

// currents returns the current revision of every overlay.
func (o *overlayContent) currents() (bus.Currents, error) {
	c, err := o.repo.Currents()
	return bus.Currents{V: bus.Version, Revisions: c}, err
}

// publishCurrents publishes the current revision of every overlay.
func (o *overlayContent) publishCurrents() {
	c, err := o.currents()
	if err == nil {
		err = o.core.bus.Publish(bus.Broadcast(o.core.Host, bus.KindContent), c)
	}
	if err != nil {
		o.core.log.Warn("tell which revisions are current", "err", err)
	}
}

// sweep removes the partial files of an interrupted agent.
func (o *overlayContent) sweep(ctx context.Context) {
	if err := o.repo.Sweep(ctx); err != nil && ctx.Err() == nil {
		o.core.log.ErrorContext(ctx, "sweep overlays", "err", err)
	}
}

// runCollect carries out a job that removes unused content.
func (o *overlayContent) runCollect(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
	var spec bus.CollectSpec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || spec.Age < 0 || spec.Newest < 0 {
		return left4me.NewError(left4me.Invalid, "job.unreadable", "job", m.ID)
	}
	p.Plan(left4me.StepCollect)
	return p.Step(ctx, left4me.StepCollect, func(ctx context.Context) (left4me.Notes, error) {
		s := o.layers.pins.survey()
		defer s.end()
		used, err := o.layers.revisions(ctx)
		if err != nil {
			return nil, err
		}
		c, err := o.repo.Collect(ctx, spec, used, func(r left4me.OverlayRef, drop func() error) error {
			return s.remove(revisionDir(r.Name, r.Revision), drop)
		})
		if len(c.Revisions) > 0 {
			o.publishCurrents()
		}
		for _, r := range c.Revisions {
			p.Print("revision " + r.String())
		}
		for _, n := range c.Overlays {
			p.Print("deleted overlay " + string(n))
		}
		return left4me.Notes{
			left4me.NewNote("content.revisions_removed", "count", len(c.Revisions)),
			left4me.NewNote("content.overlays_removed", "count", len(c.Overlays)),
			left4me.NewNote("content.files_removed", "count", c.Files),
			left4me.NewNote("content.space_freed", "size", left4me.Bytes(c.Bytes)),
		}, err
	})
}

// delete moves an overlay's content aside; restore can bring it back.
func (o *overlayContent) delete(ctx context.Context, n left4me.Name, p *job.Progress) error {
	p.Plan(left4me.StepSetAside)
	return p.Step(ctx, left4me.StepSetAside, func(ctx context.Context) (left4me.Notes, error) {
		s := o.layers.pins.survey()
		defer s.end()
		used, err := o.layers.revisions(ctx)
		if err != nil {
			return nil, err
		}
		var until time.Time
		err = s.remove("overlays/"+string(n), func() (err error) {
			until, err = o.repo.Delete(n, used)
			return err
		})
		switch {
		case err != nil:
			return nil, err
		case until.IsZero():
			return left4me.Notes{left4me.NewNote("content.no_revisions")}, nil
		}
		o.publishCurrents()
		return left4me.Notes{left4me.NewNote("content.restorable_until", "time", until)}, nil
	})
}

// restore brings back the content of a deleted overlay.
func (o *overlayContent) restore(ctx context.Context, n left4me.Name, p *job.Progress) error {
	p.Plan(left4me.StepTakeBack)
	return p.Step(ctx, left4me.StepTakeBack, func(context.Context) (left4me.Notes, error) {
		current, err := o.repo.Restore(n)
		if err != nil {
			return nil, err
		}
		o.publishCurrents()
		if current == 0 {
			return left4me.Notes{left4me.NewNote("content.no_revisions")}, nil
		}
		return left4me.Notes{left4me.NewNote("content.revision_current", "revision", current)}, nil
	})
}
