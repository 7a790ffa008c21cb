package servers

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/jobs"
)

// progressOf returns the progress of a job that has not ended.
func progressOf(ctx context.Context, j left4me.Job) string {
	if j.State == left4me.JobQueued {
		return locale.T(ctx, "servers.job.queued", "job", jobNoun(ctx, j.Kind))
	}
	if j.MapChange != nil {
		return locale.T(ctx, "servers.job.changing_map", "map", format.Visible(j.MapChange.To))
	}
	if step := jobs.CurrentStep(ctx, j); step != "" {
		return step
	}
	switch j.Kind {
	case left4me.StartServer, left4me.StopServer, left4me.RestartServer, left4me.ResetServer, left4me.DeleteServer:
		return locale.T(ctx, "servers.job.running."+j.Kind.Verb())
	}
	return jobNoun(ctx, j.Kind)
}

// jobTitle returns the title of the latest job of a server.
func jobTitle(ctx context.Context, j left4me.Job) string {
	if j.MapChange != nil {
		return jobs.Name(ctx, j)
	}
	return jobs.KindLabel(ctx, j.Kind)
}

// jobNoun returns a noun for a job as the subject of a sentence, such as "Deletion".
func jobNoun(ctx context.Context, k left4me.JobKind) string {
	switch k {
	case left4me.StartServer, left4me.StopServer, left4me.RestartServer, left4me.ResetServer, left4me.DeleteServer,
		left4me.ChangeMap:
		return locale.T(ctx, "servers.job.noun."+k.Verb())
	}
	return jobs.KindLabel(ctx, k)
}

// stoppedSince reports whether the latest job started a server that has stopped since then.
func stoppedSince(s serverPage) bool {
	started := s.Job.Kind == left4me.StartServer || s.Job.Kind == left4me.RestartServer
	return started && (s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed)
}
