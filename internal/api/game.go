package api

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
)

// gameRoutes handles requests about the game on a host.
type gameRoutes struct{ core *core }

func gameFor(ctx context.Context, v game.View) apitype.Game {
	g := apitype.Game{
		Host: v.Host, Known: v.Known, Problem: v.Problem, SaidAt: v.At, Current: v.Current, Pinned: v.Pinned,
		Builds: make([]apitype.GameBuild, len(v.Builds)), Latest: v.Latest, Outdated: v.Outdated, CheckedAt: v.CheckedAt,
		CheckNote: v.CheckNote, SteamCMD: v.SteamCMD, Policy: gamePolicyOf(v.Policy),
	}
	for i, b := range v.Builds {
		g.Builds[i] = apitype.GameBuild{
			Build: b.Build, Version: b.Version, Current: b.Build == v.Current, InstalledAt: b.InstalledAt, Bytes: b.Bytes,
			Layers: append([]string{}, b.Layers...), Servers: visibleNames(ctx, b.Servers, left4me.OnServer),
		}
	}
	if v.Job != nil {
		g.Job = &apitype.JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	if v.Rollout != nil {
		r := rolloutFor(ctx, *v.Rollout)
		g.Rollout = &r
	}
	return g
}

func rolloutFor(ctx context.Context, v game.Rollout) apitype.Rollout {
	r := apitype.Rollout{
		Mode: v.Mode, State: v.State, Build: v.Build, Job: v.Job, By: v.By.String(), CreatedAt: v.CreatedAt,
		BegunAt: v.BegunAt, EndedAt: v.EndedAt,
	}
	r.Servers, r.Reason = movesFor(ctx, v.Moves, v.Wishes, v.Reason)
	return r
}

func gamePolicyOf(p game.Policy) apitype.GamePolicy {
	return apitype.GamePolicy{CheckHours: int(p.CheckEvery / time.Hour), Update: p.Update, UpdateAt: p.UpdateAt, Restart: p.Restart}
}

func (a gameRoutes) showGame(ctx context.Context, host left4me.Name, _ *none) (apitype.Game, error) {
	v, err := a.core.Game.Get(ctx, host)
	return gameFor(ctx, v), err
}

// GameInput is the request for a job on the game. Like ByRevision, it is exported for huma.
type GameInput struct {
	Body *apitype.GameRequest `required:"false"`
}

// game returns the handler that creates a job of the given kind.
func (a gameRoutes) game(kind left4me.JobKind) func(context.Context, left4me.Name, *GameInput) (apitype.Job, error) {
	return func(ctx context.Context, host left4me.Name, in *GameInput) (apitype.Job, error) {
		var r game.Request
		if in.Body != nil {
			r = game.Request{Build: in.Body.Build, Restart: game.Mode(in.Body.Restart)}
		}
		v, err := a.core.Game.Act(ctx, actorOf(ctx).Cause(), kind, host, r)
		return jobFor(ctx, v), err
	}
}

type pinInput struct {
	Body apitype.GamePin
}

func (a gameRoutes) pinGame(ctx context.Context, host left4me.Name, in *pinInput) (apitype.Game, error) {
	v, err := a.core.Game.Pin(ctx, actorOf(ctx).Cause(), host, in.Body.Pinned)
	return gameFor(ctx, v), err
}

func (a gameRoutes) showPolicy(ctx context.Context, host left4me.Name, _ *none) (apitype.GamePolicy, error) {
	p, err := a.core.Game.Policy(ctx, host)
	return gamePolicyOf(p), err
}

type policyInput struct {
	Body apitype.GamePolicy
}

func (a gameRoutes) setPolicy(ctx context.Context, host left4me.Name, in *policyInput) (apitype.GamePolicy, error) {
	b := in.Body
	p, err := a.core.Game.SetPolicy(ctx, actorOf(ctx).Cause(), host, game.Policy{
		CheckEvery: time.Duration(b.CheckHours) * time.Hour, Update: b.Update, UpdateAt: b.UpdateAt, Restart: b.Restart,
	})
	return gamePolicyOf(p), err
}

func (a gameRoutes) showRollout(ctx context.Context, host left4me.Name, _ *none) (apitype.Rollout, error) {
	v, err := a.core.Game.Rollout(ctx, host)
	if err == nil && v == nil {
		err = left4me.NewError(left4me.NotFound, "rollout.never", "host", host)
	}
	if err != nil {
		return apitype.Rollout{}, err
	}
	return rolloutFor(ctx, *v), nil
}

func (a gameRoutes) cancelRollout(ctx context.Context, host left4me.Name, _ *none) (apitype.Rollout, error) {
	v, err := a.core.Game.CancelRollout(ctx, actorOf(ctx).Cause(), host)
	if err != nil {
		return apitype.Rollout{}, err
	}
	return rolloutFor(ctx, *v), nil
}
