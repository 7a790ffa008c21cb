package agent

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// handler answers one request. data is the JSON of its message.
type handler func(ctx context.Context, data []byte) (any, error)

// requests returns the handlers of all requests that an agent answers, by verb.
func (a *Agent) requests() map[string]handler {
	return map[string]handler{
		bus.VerbPing:   func(context.Context, []byte) (any, error) { return bus.Empty{V: bus.Version}, nil },
		bus.VerbDoctor: plain(a.diagnosis.host),
		bus.VerbReach:  with(a.diagnosis.connectivity),

		bus.VerbWork:   done(func(_ context.Context, m bus.JobMessage) error { return a.jobs.workUnqueued(m) }),
		bus.VerbStop:   done(func(_ context.Context, m bus.JobMessage) error { return a.jobs.stopNow(m) }),
		bus.VerbCancel: done(func(_ context.Context, r bus.CancelRequest) error { return a.jobs.cancel(r.ID) }),

		bus.VerbStatus:     plain(a.statuses.list),
		bus.VerbPort:       done(func(_ context.Context, r bus.PortRequest) error { return shim.PortFree(a.core.Files.Root, r.Port) }),
		bus.VerbRemoveKept: with(a.servers.removeKept),
		bus.VerbConsole:    with(a.consoles.read),
		bus.VerbCommand:    with(a.consoles.run),
		bus.VerbConfigDiff: with(a.stacks.configDiff),
		bus.VerbStack:      with(a.stacks.page),
		bus.VerbStackDiff:  with(a.stacks.diff),
		bus.VerbStackFile:  with(a.stacks.file),
		bus.VerbUpper:      with(a.stacks.upperFiles),
		bus.VerbCampaigns:  with(a.campaigns.list),
		bus.VerbClashes:    with(a.campaigns.conflicts),

		bus.VerbCurrents: plain(func(context.Context) (bus.Currents, error) { return a.overlays.currents() }),
		bus.VerbContents: plain(a.overlays.list),
		bus.VerbContent:  with(a.overlays.get),
		bus.VerbTree:     with(a.overlays.repo.Tree),
		bus.VerbDiff:     with(a.overlays.repo.Diff),
		bus.VerbFile: with(func(_ context.Context, r bus.FileRequest) (bus.FileAnswer, error) {
			answer, err := a.overlays.repo.File(r)
			answer.V = bus.Version
			return answer, err
		}),
		bus.VerbLabel:    with(a.overlays.label),
		bus.VerbUse:      with(a.overlays.use),
		bus.VerbDropRev:  with(a.overlays.dropRevision),
		bus.VerbPlan:     with(a.builds.PlanUpload),
		bus.VerbWorkshop: with(a.workshop.Preview),

		bus.VerbGame: plain(a.game.get),
		bus.VerbPin:  with(a.game.pin),

		bus.VerbBackups:    plain(func(context.Context) ([]left4me.Backup, error) { return a.backups.archives().List() }),
		bus.VerbOpenBackup: with(a.backups.open),
		bus.VerbDropBackup: done(func(_ context.Context, r bus.BackupRequest) error { return a.backups.archives().Delete(r.Name) }),
	}
}

// answer serves control's requests to this host until ctx ends.
func (a *Agent) answer(ctx context.Context) error {
	requests := a.requests()
	return a.core.bus.Answer(ctx, bus.Command(a.core.Host, "*"), func(ctx context.Context, subject string, data []byte) (any, error) {
		verb := bus.VerbOf(subject)
		if err := a.disks.checkRequest(verb); err != nil {
			return nil, err
		}
		if f := requests[verb]; f != nil {
			return f(ctx, data)
		}
		return nil, left4me.NewError(left4me.Invalid, "host.request_unknown", "host", a.core.Host, "subject", subject)
	})
}

// plain returns the handler of a request that consists only of its verb.
func plain[Out any](f func(context.Context) (Out, error)) handler {
	return func(ctx context.Context, _ []byte) (any, error) { return f(ctx) }
}

// with returns a handler that decodes the message of a request and passes it to f.
func with[In, Out any](f func(context.Context, In) (Out, error)) handler {
	return func(ctx context.Context, data []byte) (any, error) {
		var r In
		if err := bus.Decode(data, &r); err != nil {
			return nil, err
		}
		return f(ctx, r)
	}
}

// done returns the handler of a request whose answer carries no data.
func done[In any](f func(context.Context, In) error) handler {
	return with(func(ctx context.Context, r In) (bus.Empty, error) { return bus.Empty{V: bus.Version}, f(ctx, r) })
}
