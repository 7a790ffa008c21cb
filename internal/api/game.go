package api

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/left4me"
)

// Game is the game on a host.
type Game struct {
	Host      left4me.Name `json:"host"`
	Known     bool         `json:"known" doc:"The host has said what it has; else all of it is empty"`
	Problem   string       `json:"problem" doc:"Why the host can't be asked now; what is here is what it said last"`
	SaidAt    time.Time    `json:"said_at,omitzero"`
	Current   int64        `json:"current" doc:"The build that servers start with; 0 when the game is not installed"`
	Pinned    bool         `json:"pinned" doc:"No update may replace it"`
	Builds    []GameBuild  `json:"builds" doc:"Newest first; the current one and those that can be gone back to"`
	Latest    int64        `json:"latest" doc:"The newest build that Steam was seen to have; 0 when it isn't known"`
	Outdated  bool         `json:"outdated"`
	CheckedAt time.Time    `json:"checked_at,omitzero" doc:"When Steam was last asked"`
	CheckNote string       `json:"check_note"`
	SteamCMD  string       `json:"steamcmd" doc:"Where it is; empty when it will be fetched"`
	Job       *JobRef      `json:"job,omitempty" doc:"The one under way, or the latest"`
	Rollout   *Rollout     `json:"rollout,omitempty" doc:"The newest one, under way or not"`
	Policy    GamePolicy   `json:"policy"`
}

// GameBuild is one build of the game on a host.
type GameBuild struct {
	Build       int64          `json:"build"`
	Version     string         `json:"version"`
	Current     bool           `json:"current"`
	InstalledAt time.Time      `json:"installed_at,omitzero"`
	Bytes       int64          `json:"bytes" doc:"Of its own layer on disk"`
	Layers      []string       `json:"layers" doc:"Top first"`
	Servers     []left4me.Name `json:"servers" doc:"Those that are up and run on it"`
}

// Rollout is how servers move over to another build of the game.
type Rollout struct {
	Mode      string        `json:"mode" doc:"now, empty or HH:MM"`
	State     string        `json:"state" enum:"waiting,running,done,failed,cancelled"`
	Reason    string        `json:"reason" doc:"Why it ended as it did"`
	Build     int64         `json:"build" doc:"That servers move to; 0 until it has begun"`
	Job       left4me.JobID `json:"job" doc:"Its end begins the rollout"`
	By        string        `json:"by"`
	CreatedAt time.Time     `json:"created_at"`
	BegunAt   time.Time     `json:"begun_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	Servers   []Move        `json:"servers" doc:"Those that were moved, then those that have yet to"`
}

// Move is what a rollout does with one server.
type Move struct {
	Server left4me.Name  `json:"server"`
	State  string        `json:"state" enum:"wants,moving,moved,left,failed"`
	Reason string        `json:"reason" doc:"What it waits for, or why it did not move"`
	Job    left4me.JobID `json:"job" doc:"Its restart; empty while there is none"`
}

// GamePolicy is when a host looks for newer builds and what it does with them.
type GamePolicy struct {
	CheckHours int    `json:"check_hours" doc:"Hours between two checks; 0 is never"`
	Update     bool   `json:"update" doc:"Update without being asked"`
	UpdateAt   string `json:"update_at,omitempty" doc:"HH:MM of the host; empty is as soon as it is seen"`
	Restart    string `json:"restart,omitempty" doc:"How servers move over then: never, now, empty or HH:MM"`
}

func gameOf(v game.View) Game {
	g := Game{
		Host: v.Host, Known: v.Known, Problem: v.Problem, SaidAt: v.At, Current: v.Current, Pinned: v.Pinned,
		Builds: make([]GameBuild, len(v.Builds)), Latest: v.Latest, Outdated: v.Outdated, CheckedAt: v.CheckedAt,
		CheckNote: v.CheckNote, SteamCMD: v.SteamCMD, Policy: gamePolicyOf(v.Policy),
	}
	for i, b := range v.Builds {
		g.Builds[i] = GameBuild{
			Build: b.Build, Version: b.Version, Current: b.Build == v.Current, InstalledAt: b.InstalledAt, Bytes: b.Bytes,
			Layers: append([]string{}, b.Layers...), Servers: append([]left4me.Name{}, b.Servers...),
		}
	}
	if v.Job != nil {
		g.Job = &JobRef{ID: v.Job.ID, Kind: v.Job.Kind, State: v.Job.State}
	}
	if v.Rollout != nil {
		r := rolloutOf(*v.Rollout)
		g.Rollout = &r
	}
	return g
}

func rolloutOf(v game.Rollout) Rollout {
	r := Rollout{
		Mode: v.Mode, State: v.State, Reason: v.Reason, Build: v.Build, Job: v.Job, By: v.By, CreatedAt: v.CreatedAt,
		BegunAt: v.BegunAt, EndedAt: v.EndedAt, Servers: []Move{},
	}
	for _, m := range v.Moves {
		r.Servers = append(r.Servers, Move{Server: m.Server, State: m.State, Reason: m.Reason, Job: m.Job})
	}
	for _, w := range v.Wishes {
		r.Servers = append(r.Servers, Move{Server: w.Server, State: game.Wants, Reason: w.Why})
	}
	return r
}

func gamePolicyOf(p game.Policy) GamePolicy {
	return GamePolicy{CheckHours: int(p.CheckEvery / time.Hour), Update: p.Update, UpdateAt: p.UpdateAt, Restart: p.Restart}
}

// ByHost is the host in a path. It is exported because huma overlooks what is
// embedded otherwise.
type ByHost struct {
	Host string `path:"host" maxLength:"64"`
}

func (a *api) showGame(ctx context.Context, in *ByHost) (Game, error) {
	v, err := a.Game.Get(ctx, left4me.Name(in.Host))
	return gameOf(v), err
}

// GameRequest is what a job on the game is asked for with.
type GameRequest struct {
	Restart string `json:"restart,omitempty" doc:"How servers that are up move over: never (the default), now, empty or an hour as HH:MM"`
	Build   int64  `json:"build,omitempty" doc:"Of a rollback: the build to go to; without it, the one before"`
}

// GameInput asks for a job on the game. It is exported as ByHost is.
type GameInput struct {
	ByHost
	Body *GameRequest `required:"false"`
}

// game makes a handler that asks for a job on the game.
func (a *api) game(kind left4me.JobKind) func(context.Context, *GameInput) (Job, error) {
	return func(ctx context.Context, in *GameInput) (Job, error) {
		var r game.Request
		if in.Body != nil {
			r = game.Request{Build: in.Body.Build, Restart: game.Mode(in.Body.Restart)}
		}
		v, err := a.Game.Act(ctx, actorOf(ctx).Name, kind, left4me.Name(in.Host), r)
		return jobOf(v), err
	}
}

// GamePin says whether updates may replace the current build.
type GamePin struct {
	Pinned bool `json:"pinned"`
}

type pinInput struct {
	ByHost
	Body GamePin
}

func (a *api) pinGame(ctx context.Context, in *pinInput) (Game, error) {
	v, err := a.Game.Pin(ctx, actorOf(ctx).Name, left4me.Name(in.Host), in.Body.Pinned)
	return gameOf(v), err
}

func (a *api) showPolicy(ctx context.Context, in *ByHost) (GamePolicy, error) {
	p, err := a.Game.Policy(ctx, left4me.Name(in.Host))
	return gamePolicyOf(p), err
}

type policyInput struct {
	ByHost
	Body GamePolicy
}

func (a *api) setPolicy(ctx context.Context, in *policyInput) (GamePolicy, error) {
	b := in.Body
	p, err := a.Game.SetPolicy(ctx, actorOf(ctx).Name, left4me.Name(in.Host), game.Policy{
		CheckEvery: time.Duration(b.CheckHours) * time.Hour, Update: b.Update, UpdateAt: b.UpdateAt, Restart: b.Restart,
	})
	return gamePolicyOf(p), err
}

func (a *api) showRollout(ctx context.Context, in *ByHost) (Rollout, error) {
	v, err := a.Game.Rollout(ctx, left4me.Name(in.Host))
	if err == nil && v == nil {
		err = left4me.Errorf(left4me.NotFound, "there never was a rollout on %s", in.Host)
	}
	if err != nil {
		return Rollout{}, err
	}
	return rolloutOf(*v), nil
}

func (a *api) cancelRollout(ctx context.Context, in *ByHost) (Rollout, error) {
	v, err := a.Game.CancelRollout(ctx, actorOf(ctx).Name, left4me.Name(in.Host))
	if err != nil {
		return Rollout{}, err
	}
	return rolloutOf(*v), nil
}
