package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// answerContent serves what is asked about overlays; known is false for other
// verbs.
func (a *Agent) answerContent(ctx context.Context, verb string, data []byte) (answer any, known bool, err error) {
	switch verb {
	case bus.VerbCurrents:
		answer, err = a.currents()
	case bus.VerbContents:
		answer, err = a.contents(ctx)
	case bus.VerbContent:
		answer, err = with(data, func(r bus.OverlayRequest) (any, error) { return a.contentOf(ctx, r.Overlay, r.Revision) })
	case bus.VerbTree:
		answer, err = with(data, func(r bus.TreeRequest) (any, error) { return a.content.Tree(ctx, r) })
	case bus.VerbDiff:
		answer, err = with(data, func(r bus.DiffRequest) (any, error) { return a.content.Diff(ctx, r) })
	case bus.VerbFile:
		answer, err = with(data, func(r bus.FileRequest) (any, error) { return a.content.File(r) })
	case bus.VerbCampaigns:
		answer, err = with(data, func(r bus.StackRequest) (any, error) { return a.campaigns(ctx, r.Spec, r.Hint) })
	case bus.VerbClashes:
		answer, err = with(data, func(r bus.StackRequest) (any, error) { return a.clashes(ctx, r.Spec) })
	case bus.VerbLabel:
		answer, err = with(data, func(r bus.LabelRequest) (any, error) {
			return a.changed(ctx, r.Overlay, a.content.Label(r.Overlay, r.Revision, r.Label))
		})
	case bus.VerbUse:
		answer, err = with(data, func(r bus.OverlayRequest) (any, error) {
			return a.changed(ctx, r.Overlay, a.content.Use(r.Overlay, r.Revision))
		})
	case bus.VerbPlan:
		answer, err = with(data, func(r bus.PlanRequest) (any, error) { return a.planUpload(ctx, r) })
	case bus.VerbDropRev:
		answer, err = with(data, func(r bus.OverlayRequest) (any, error) { return a.dropRevision(ctx, r) })
	default:
		return nil, false, nil
	}
	return answer, true, err
}

func (a *Agent) contents(ctx context.Context) ([]left4me.Content, error) {
	used, err := a.usedContent(ctx)
	if err != nil {
		return nil, err
	}
	return a.content.List(ctx, used)
}

func (a *Agent) contentOf(ctx context.Context, n left4me.Name, revision int) (left4me.Content, error) {
	used, err := a.usedContent(ctx)
	if err != nil {
		return left4me.Content{}, err
	}
	return a.content.Get(ctx, n, revision, used)
}

// changed answers what an overlay has after it was changed, unless that failed,
// and tells everybody.
func (a *Agent) changed(ctx context.Context, n left4me.Name, err error) (left4me.Content, error) {
	if err != nil {
		return left4me.Content{}, err
	}
	a.tellContent()
	return a.contentOf(ctx, n, 0)
}

func (a *Agent) dropRevision(ctx context.Context, r bus.OverlayRequest) (left4me.Content, error) {
	err := func() error {
		s := a.mounts.survey()
		defer s.end()
		used, err := a.usedContent(ctx)
		if err != nil {
			return err
		}
		return s.remove(revisionDir(r.Overlay, r.Revision), func() error { return a.content.Drop(r.Overlay, r.Revision, used) })
	}()
	if err == nil {
		err = a.content.Sweep(ctx)
	}
	return a.changed(ctx, r.Overlay, err)
}

// currents are the revisions that servers start with from now on.
func (a *Agent) currents() (bus.Currents, error) {
	c, err := a.content.Currents()
	return bus.Currents{V: bus.Version, Revisions: c}, err
}

// tellContent tells which revisions servers start with from now on.
func (a *Agent) tellContent() {
	c, err := a.currents()
	if err == nil {
		err = a.bus.Publish(bus.Live(a.Host, bus.KindContent), c)
	}
	if err != nil {
		a.log.Warn("tell which revisions are current", "err", err)
	}
}

// eachMounted calls f for what each server was prepared with that has its layers
// mounted, or may have: those that are up, and those whose mount was busy when
// they stopped. It fails when a disk has gone: then the list of servers can't be
// trusted, and nothing may be removed for want of users.
func (a *Agent) eachMounted(ctx context.Context, f func(n left4me.Name, env instance.Env)) error {
	names, err := a.Files.Names()
	if err != nil {
		return err
	}
	for _, n := range names {
		state, _, err := a.supervisor.State(ctx, n)
		if err != nil {
			return err
		}
		mounted, err := a.mounted(n)
		if err != nil {
			return err
		}
		if !state.Up() && !mounted {
			continue
		}
		env, err := a.Files.ReadEnv(n)
		if err != nil {
			return fmt.Errorf("layers of %s: %w", n, err)
		}
		f(n, env)
	}
	return a.diskThere()
}

// usedContent says which revisions are mounted, or may be, by which servers.
func (a *Agent) usedContent(ctx context.Context) (overlays.Used, error) {
	used := overlays.Used{}
	err := a.eachMounted(ctx, func(n left4me.Name, env instance.Env) {
		for _, ref := range overlaysOf(env) {
			used[ref] = append(used[ref], n)
		}
	})
	return used, err
}

// revisionDir is the directory of a revision, relative to the root.
func revisionDir(n left4me.Name, number int) string {
	return "overlays/" + string(n) + "/" + strconv.Itoa(number)
}

// overlaysOf are the revisions among the layers of a server, top first.
func overlaysOf(env instance.Env) []left4me.OverlayRef {
	var refs []left4me.OverlayRef
	for _, l := range env.Lowerdirs {
		rest, ok := strings.CutPrefix(l, "overlays/")
		if !ok {
			continue
		}
		name, rev, _ := strings.Cut(rest, "/")
		if number, err := strconv.Atoi(rev); err == nil && left4me.Name(name).Valid() {
			refs = append(refs, left4me.OverlayRef{Name: left4me.Name(name), Revision: number})
		}
	}
	return refs
}

// sweepContent removes what the agent before this one left half-made.
func (a *Agent) sweepContent(ctx context.Context) {
	if err := a.content.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("sweep overlays", "err", err)
	}
}

// runContent runs a job on all content of this host.
func (a *Agent) runContent(ctx context.Context, m bus.JobMessage, p *progress) error {
	if m.Kind != left4me.CollectContent {
		return unknownKind(a.Host, m.Kind)
	}
	var spec bus.CollectSpec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || spec.Age < 0 || spec.Newest < 0 {
		return left4me.Errorf(left4me.Invalid, "job %s can't be read", m.ID)
	}
	p.plan(left4me.StepCollect)
	return p.step(ctx, left4me.StepCollect, func(ctx context.Context) (string, error) {
		s := a.mounts.survey()
		defer s.end()
		used, err := a.usedContent(ctx)
		if err != nil {
			return "", err
		}
		c, err := a.content.Collect(ctx, spec, used, func(r left4me.OverlayRef, drop func() error) error {
			return s.remove(revisionDir(r.Name, r.Revision), drop)
		})
		if len(c.Revisions) > 0 {
			a.tellContent()
		}
		for _, r := range c.Revisions {
			p.print("revision " + r.String())
		}
		for _, n := range c.Overlays {
			p.print("deleted overlay " + string(n))
		}
		return fmt.Sprintf("%d revisions, %d deleted overlays, %d files; %s are free again", len(c.Revisions), len(c.Overlays), c.Files,
			megabytes(c.Bytes)), err
	})
}

// deleteOverlay sets an overlay aside.
func (a *Agent) deleteOverlay(ctx context.Context, n left4me.Name, p *progress) error {
	p.plan(left4me.StepSetAside)
	return p.step(ctx, left4me.StepSetAside, func(ctx context.Context) (string, error) {
		s := a.mounts.survey()
		defer s.end()
		used, err := a.usedContent(ctx)
		if err != nil {
			return "", err
		}
		var until time.Time
		err = s.remove("overlays/"+string(n), func() (err error) {
			until, err = a.content.Delete(n, used)
			return err
		})
		switch {
		case err != nil:
			return "", err
		case until.IsZero():
			return "there are none", nil
		}
		a.tellContent()
		return "they can be taken back until " + until.Format(time.DateTime) + " UTC", nil
	})
}

// restoreOverlay takes back what was set aside.
func (a *Agent) restoreOverlay(ctx context.Context, n left4me.Name, p *progress) error {
	p.plan(left4me.StepTakeBack)
	return p.step(ctx, left4me.StepTakeBack, func(context.Context) (string, error) {
		current, err := a.content.Restore(n)
		if err != nil {
			return "", err
		}
		a.tellContent()
		if current == 0 {
			return "it has no revision", nil
		}
		return fmt.Sprintf("servers start with revision %d from now on", current), nil
	})
}

// made reports whether a job did its work before left4me ended and only its word
// was lost.
func (a *Agent) made(n left4me.Name, id left4me.JobID, p *progress, labels []string) bool {
	r, ok := a.content.Made(n, id)
	if ok {
		p.skip("done before left4me was started anew", labels...)
		p.note(left4me.StepPublishOverlay, fmt.Sprintf("revision %d was published before left4me was started anew", r.Number))
	}
	return ok
}
