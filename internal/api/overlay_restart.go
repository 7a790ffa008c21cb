package api

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/restart"
	"github.com/left4me/left4me/internal/left4me"
)

// OverlayRestart is how servers move over to a revision that came by itself.
type OverlayRestart struct {
	Overlay   left4me.Name `json:"overlay"`
	Revision  int          `json:"revision"`
	Mode      string       `json:"mode" doc:"empty or HH:MM"`
	State     string       `json:"state" enum:"running,done,failed,cancelled"`
	Reason    string       `json:"reason" doc:"Why it ended as it did"`
	CreatedAt time.Time    `json:"created_at"`
	EndedAt   time.Time    `json:"ended_at,omitzero"`
	Servers   []Move       `json:"servers" doc:"Those that were restarted, then those that have yet to be"`
}

func restartOf(v *overlays.Restart) OverlayRestart {
	r := OverlayRestart{
		Overlay: v.Overlay, Revision: v.Revision, Mode: v.Mode, State: v.State, Reason: v.Reason,
		CreatedAt: v.CreatedAt, EndedAt: v.EndedAt, Servers: []Move{},
	}
	for _, m := range v.Moves {
		r.Servers = append(r.Servers, Move{Server: m.Server, State: m.State, Reason: m.Reason, Job: m.Job})
	}
	for _, w := range v.Wishes {
		r.Servers = append(r.Servers, Move{Server: w.Server, State: restart.Wants, Reason: w.Why})
	}
	return r
}

func (a *api) showOverlayRestart(ctx context.Context, in *ByName) (OverlayRestart, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return OverlayRestart{}, err
	}
	v, err := a.Content.Restart(ctx, n)
	if err == nil && v == nil {
		err = left4me.Errorf(left4me.NotFound, "no revision of %s came by itself for servers to move over to", in.Name)
	}
	if err != nil {
		return OverlayRestart{}, err
	}
	return restartOf(v), nil
}

func (a *api) cancelOverlayRestart(ctx context.Context, in *ByName) (OverlayRestart, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return OverlayRestart{}, err
	}
	v, err := a.Content.CancelRestart(ctx, actorOf(ctx).Name, n)
	if err != nil {
		return OverlayRestart{}, err
	}
	return restartOf(v), nil
}
