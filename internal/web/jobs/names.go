package jobs

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// KindLabel returns what a job of a kind does, without its target: "Start server".
func KindLabel(ctx context.Context, k left4me.JobKind) string {
	if !locale.From(ctx).Has("jobs.kind." + string(k)) {
		return string(k) // a kind of a newer version
	}
	return locale.T(ctx, "jobs.kind."+string(k))
}

// Name returns what a job does, with its target: "Start alpha".
func Name(ctx context.Context, j left4me.Job) string {
	if !locale.From(ctx).Has("jobs.name." + string(j.Kind)) {
		return string(j.Kind) + " " + string(j.Target)
	}
	return locale.T(ctx, "jobs.name."+string(j.Kind), "target", j.Target)
}
