package agent

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// runner does the work of one job.
type runner func(ctx context.Context, m bus.JobMessage, p *job.Progress) error

// runners returns a runner for each kind of job that an agent carries out.
func (a *Agent) runners() map[left4me.JobKind]runner {
	return map[left4me.JobKind]runner{
		left4me.StartServer:   a.servers.job(a.servers.start, startSteps),
		left4me.StopServer:    a.servers.job(a.servers.stopServer, stopSteps),
		left4me.RestartServer: a.servers.job(a.servers.restart, stopSteps, startSteps),
		left4me.ResetServer:   a.servers.job(a.servers.reset, stopSteps, []string{left4me.StepEmptyUpper}, startSteps),
		left4me.DeleteServer:  a.servers.job(a.servers.remove, stopSteps, []string{left4me.StepKeepFiles}),
		left4me.DiscardUpper:  a.servers.runDiscard,
		left4me.ChangeMap:     a.consoles.changeMap,

		left4me.BuildOverlay:   buildJob(a.builds.Build),
		left4me.DeleteOverlay:  overlayJob(a.overlays.delete),
		left4me.RestoreOverlay: overlayJob(a.overlays.restore),
		left4me.CollectContent: a.overlays.runCollect,

		left4me.InstallGame:  a.game.exclusive(a.game.updates.update),
		left4me.UpdateGame:   a.game.exclusive(a.game.updates.update),
		left4me.VerifyGame:   a.game.exclusive(a.game.updates.update),
		left4me.CheckGame:    a.game.exclusive(a.game.updates.check),
		left4me.RollbackGame: a.game.exclusive(a.game.rollBack),
		left4me.FlattenGame:  a.game.exclusive(a.game.layers.flatten),

		left4me.CreateBackup:  backupJob(a.backups.create),
		left4me.VerifyBackup:  backupJob(a.backups.verify),
		left4me.RestoreBackup: backupJob(a.backups.restore),
	}
}

// Steps of the jobs on servers.
var (
	startSteps = []string{left4me.StepWriteConfig, left4me.StepCheckPort, left4me.StepLaunch, left4me.StepAwaitReady}
	stopSteps  = []string{left4me.StepStop, left4me.StepUnmount}
)

// job returns a runner that plans the steps and calls f with the definition of the server.
func (s *servers) job(f func(context.Context, left4me.Spec, *job.Progress) error, steps ...[]string) runner {
	return func(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
		var spec left4me.Spec
		if err := json.Unmarshal(m.Spec, &spec); err != nil || !m.Target.Valid() || spec.Name != m.Target ||
			spec.OldName != "" && !spec.OldName.Valid() {
			return left4me.NewError(left4me.Invalid, "job.no_server", "job", m.ID)
		}
		if old := s.core.Files.Root.FormerName(spec); old != "" {
			spec.OldName = old
		}
		p.Plan(planned(spec, slices.Concat(steps...))...)
		return f(ctx, spec, p)
	}
}

// planned returns the steps of a job on a server. If the server has another name on this host and
// the job starts it, a rename is inserted before the first step that changes anything.
func planned(spec left4me.Spec, steps []string) []string {
	first := func(label string) bool { return label == left4me.StepEmptyUpper || label == left4me.StepWriteConfig }
	if spec.OldName == "" || !slices.Contains(steps, left4me.StepWriteConfig) {
		return steps
	}
	return slices.Insert(steps, slices.IndexFunc(steps, first), left4me.StepRename)
}

// overlayJob returns a runner that calls f with the name of the overlay.
func overlayJob(f func(context.Context, left4me.Name, *job.Progress) error) runner {
	return func(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
		if !m.Target.Valid() {
			return left4me.NewError(left4me.Invalid, "job.no_overlay", "job", m.ID)
		}
		return f(ctx, m.Target, p)
	}
}

// buildJob returns a runner that calls f with the definition of the build.
func buildJob(f func(context.Context, left4me.JobID, left4me.BuildSpec, *job.Progress) error) runner {
	return func(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
		if !m.Target.Valid() {
			return left4me.NewError(left4me.Invalid, "job.no_overlay", "job", m.ID)
		}
		var spec left4me.BuildSpec
		if err := json.Unmarshal(m.Spec, &spec); err != nil || spec.Overlay.Name != m.Target {
			return left4me.NewError(left4me.Invalid, "job.unreadable", "job", m.ID)
		}
		return f(ctx, m.ID, spec, p)
	}
}

// backupJob returns a runner that calls f with the definition of the backup.
func backupJob(f func(context.Context, left4me.JobID, left4me.BackupSpec, *job.Progress) error) runner {
	return func(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
		var spec left4me.BackupSpec
		if err := json.Unmarshal(m.Spec, &spec); err != nil || !spec.Name.Valid() {
			return left4me.NewError(left4me.Invalid, "job.no_backup", "job", m.ID)
		}
		return f(ctx, m.ID, spec, p)
	}
}
