package api

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
)

// gameRoutes answers requests about the game on a host.
type gameRoutes struct{ core *core }

func gameOf(v game.View) apitype.Game {
	g := apitype.Game{
		Host: v.Host, Known: v.Known, Problem: v.Problem, SaidAt: v.At, Current: v.Current, Pinned: v.Pinned,
		Builds: make([]apitype.GameBuild, len(v.Builds)), Latest: v.Latest, Outdated: v.Outdated, CheckedAt: v.CheckedAt,
		CheckNote: v.CheckNote, SteamCMD: v.SteamCMD, Policy: gamePolicyOf(v.Policy),
	}
	for i, b := range v.Builds {
		g.Builds[i] = apitype.GameBuild{
			Build: b.Build, Version: b.Version, Current: b.Build == v.Current, InstalledAt: b.InstalledAt, Bytes: b.Bytes,
			Layers: append([]string{}, b.Layers...), Servers: append([]left4me.Name{}, b.Servers...),
		}
	}
	if v.Job != nil {
		g.Job = &apitype.JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	if v.Rollout != nil {
		r := rolloutOf(*v.Rollout)
		g.Rollout = &r
	}
	return g
}

func rolloutOf(v game.Rollout) apitype.Rollout {
	r := apitype.Rollout{
		Mode: v.Mode, State: v.State, Reason: v.Reason, Build: v.Build, Job: v.Job, By: v.By, CreatedAt: v.CreatedAt,
		BegunAt: v.BegunAt, EndedAt: v.EndedAt, Servers: []apitype.Move{},
	}
	for _, m := range v.Moves {
		r.Servers = append(r.Servers, apitype.Move{Server: m.Server, State: m.State, Reason: m.Reason, Job: m.Job})
	}
	for _, w := range v.Wishes {
		r.Servers = append(r.Servers, apitype.Move{Server: w.Server, State: game.Wants, Reason: w.Why})
	}
	return r
}

func gamePolicyOf(p game.Policy) apitype.GamePolicy {
	return apitype.GamePolicy{CheckHours: int(p.CheckEvery / time.Hour), Update: p.Update, UpdateAt: p.UpdateAt, Restart: p.Restart}
}

func (a gameRoutes) showGame(ctx context.Context, in *ByHost) (apitype.Game, error) {
	v, err := a.core.Game.Get(ctx, left4me.Name(in.Host))
	return gameOf(v), err
}

// GameInput asks for a job on the game. It is exported as ByHost is.
type GameInput struct {
	ByHost
	Body *apitype.GameRequest `required:"false"`
}

// game makes a handler that asks for a job on the game.
func (a gameRoutes) game(kind left4me.JobKind) func(context.Context, *GameInput) (apitype.Job, error) {
	return func(ctx context.Context, in *GameInput) (apitype.Job, error) {
		var r game.Request
		if in.Body != nil {
			r = game.Request{Build: in.Body.Build, Restart: game.Mode(in.Body.Restart)}
		}
		v, err := a.core.Game.Act(ctx, actorOf(ctx).Name, kind, left4me.Name(in.Host), r)
		return jobOf(v), err
	}
}

type pinInput struct {
	ByHost
	Body apitype.GamePin
}

func (a gameRoutes) pinGame(ctx context.Context, in *pinInput) (apitype.Game, error) {
	v, err := a.core.Game.Pin(ctx, actorOf(ctx).Name, left4me.Name(in.Host), in.Body.Pinned)
	return gameOf(v), err
}

func (a gameRoutes) showPolicy(ctx context.Context, in *ByHost) (apitype.GamePolicy, error) {
	p, err := a.core.Game.Policy(ctx, left4me.Name(in.Host))
	return gamePolicyOf(p), err
}

type policyInput struct {
	ByHost
	Body apitype.GamePolicy
}

func (a gameRoutes) setPolicy(ctx context.Context, in *policyInput) (apitype.GamePolicy, error) {
	b := in.Body
	p, err := a.core.Game.SetPolicy(ctx, actorOf(ctx).Name, left4me.Name(in.Host), game.Policy{
		CheckEvery: time.Duration(b.CheckHours) * time.Hour, Update: b.Update, UpdateAt: b.UpdateAt, Restart: b.Restart,
	})
	return gamePolicyOf(p), err
}

func (a gameRoutes) showRollout(ctx context.Context, in *ByHost) (apitype.Rollout, error) {
	v, err := a.core.Game.Rollout(ctx, left4me.Name(in.Host))
	if err == nil && v == nil {
		err = left4me.NewError(left4me.NotFound, "rollout.never", "host", in.Host)
	}
	if err != nil {
		return apitype.Rollout{}, err
	}
	return rolloutOf(*v), nil
}

func (a gameRoutes) cancelRollout(ctx context.Context, in *ByHost) (apitype.Rollout, error) {
	v, err := a.core.Game.CancelRollout(ctx, actorOf(ctx).Name, left4me.Name(in.Host))
	if err != nil {
		return apitype.Rollout{}, err
	}
	return rolloutOf(*v), nil
}
