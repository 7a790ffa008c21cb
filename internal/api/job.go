package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// jobRoutes handles requests about jobs.
type jobRoutes struct{ core *core }

func jobOf(v left4me.Job) apitype.Job {
	j := apitype.Job{
		ID: v.ID, Kind: v.Kind, Target: v.Target, TargetID: v.TargetID, Host: v.Host, State: v.State, Steps: v.Steps, Log: v.Log,
		Error: v.Error, By: v.By.String(),
		Reason:  v.Reason.String(),
		Attempt: v.Attempt, CreatedAt: v.CreatedAt, StartedAt: v.StartedAt, EndedAt: v.EndedAt, RequestID: v.RequestID,
	}
	if m := v.MapChange; m != nil {
		j.Map = &apitype.JobMap{From: m.From, To: m.To, Mode: m.Mode}
	}
	if j.Error != nil {
		j.Error = j.Error.Rendered()
	}
	if j.Steps == nil {
		j.Steps = []left4me.Step{}
	}
	if j.Log == nil {
		j.Log = []string{}
	}
	return j
}

// jobFor converts a job for the current actor. Unless the actor may read the secrets of the job's
// target, it hides passwords; names that the actor may not see are removed from the error.
func jobFor(ctx context.Context, v left4me.Job) apitype.Job {
	target := accounts.JobTarget(v)
	v = accounts.ConcealJob(actorOf(ctx), v)
	if !readsSecrets(ctx, target) {
		v = v.Public()
	}
	return jobOf(v)
}

// listedJob is jobFor without the log.
func listedJob(ctx context.Context, v left4me.Job) apitype.Job {
	j := jobFor(ctx, v)
	j.Log = nil
	return j
}

type jobsInput struct {
	Server  string `query:"server" doc:"Only jobs of this server"`
	Overlay string `query:"overlay" doc:"Only jobs of this overlay"`
	Limit   int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	After   string `query:"after" maxLength:"64" doc:"Value of after from the Link header of the previous page"`
}

// page returns the limit only: listJobs applies After itself and returns one job more than the
// limit.
func (in jobsInput) page() ListInput { return ListInput{Limit: in.Limit} }

// byJobID orders jobs newest first: ids increase with time.
var byJobID = order[apitype.Job]{key: func(v apitype.Job) string { return string(v.ID) }, down: true}

func (a jobRoutes) listJobs(ctx context.Context, in *jobsInput) ([]apitype.Job, error) {
	noun, name := "server", in.Server
	if in.Overlay != "" {
		noun, name = "overlay", in.Overlay
	}
	var target left4me.Name
	if name != "" {
		n, err := left4me.ParseName(name)
		if e, ok := left4me.Public(err); ok {
			moved := *e
			moved.Field = "query." + noun
			return nil, &moved
		}
		target = n
	}
	found, err := a.visible(ctx, noun, target, left4me.JobID(in.After), in.Limit+1)
	if err != nil {
		return nil, err
	}
	all := make([]apitype.Job, len(found))
	for i, v := range found {
		all[i] = listedJob(ctx, v)
	}
	return all, nil
}

// visible is like jobs.Page without the jobs that the actor may not see. It reads more than limit
// jobs only if it had to skip some.
func (a jobRoutes) visible(ctx context.Context, noun string, target left4me.Name, after left4me.JobID, limit int) ([]left4me.Job, error) {
	var all []left4me.Job
	for most := limit; ; most = 500 {
		found, err := a.core.Jobs.Page(ctx, noun, target, after, most)
		if err != nil || len(found) == 0 {
			return all, err
		}
		read := len(found)
		after = found[read-1].ID
		all = append(all, accounts.Visible(actorOf(ctx), found, accounts.JobTarget)...)
		if len(all) >= limit {
			return all[:limit], nil
		}
		if read < most {
			return all, nil
		}
	}
}

func (a jobRoutes) showJob(ctx context.Context, v left4me.Job, _ *none) (apitype.Job, error) {
	return jobFor(ctx, v), nil
}

func (a jobRoutes) cancelJob(ctx context.Context, v left4me.Job, _ *none) (apitype.Job, error) {
	v, err := a.core.Jobs.Cancel(ctx, v.ID)
	return jobFor(ctx, v), err
}

func (a jobRoutes) retryJob(ctx context.Context, v left4me.Job, _ *none) (apitype.Job, error) {
	from, takes, err := a.core.Overlays.Promoted(ctx, v.ID)
	if err == nil && takes {
		err = accounts.Allow(actorOf(ctx), content, from)
	}
	if err != nil {
		return apitype.Job{}, err
	}
	v, err = a.core.Jobs.Retry(ctx, actorOf(ctx).Cause(), v.ID)
	return jobFor(ctx, v), err
}

func (a jobRoutes) followJob(ctx context.Context, v left4me.Job, _ *none) (feed, error) {
	changes, err := a.core.Jobs.Watch(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return func(send func(event)) error {
		for v := range changes {
			send(event{name: "job", data: jobFor(ctx, v)})
		}
		return nil
	}, nil
}
