package jobs

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// KindLabel returns what a job of a kind does, without its target: "Start server".
func KindLabel(ctx context.Context, k left4me.JobKind) string {
	if !locale.From(ctx).Has("jobs.kind." + string(k)) {
		return string(k) // a kind of a newer version
	}
	return locale.T(ctx, "jobs.kind."+string(k))
}

// detail returns a description of a job beyond its kind, or "".
func detail(ctx context.Context, j left4me.Job) string {
	if m := j.MapChange; m != nil {
		return locale.T(ctx, "jobs.map_change.detail", "from", format.Visible(m.From), "to", format.Visible(m.To),
			"mode", format.Visible(m.Mode))
	}
	return ""
}

// Name returns what a job does, with its target: "Start alpha".
func Name(ctx context.Context, j left4me.Job) string {
	if !locale.From(ctx).Has("jobs.name." + string(j.Kind)) {
		return string(j.Kind) + " " + string(j.Target)
	}
	if m := j.MapChange; m != nil {
		return locale.T(ctx, "jobs.map_change", "target", j.Target, "from", format.Visible(m.From), "to", format.Visible(m.To),
			"mode", format.Visible(m.Mode))
	}
	return locale.T(ctx, "jobs.name."+string(j.Kind), "target", j.Target)
}
