package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// mapWithin limits how long a server may take to load a map.
const mapWithin = 2 * time.Minute

// changeMap carries out a job that changes the map of a server. It ends once the server answers with the
// new map.
func (c *consoles) changeMap(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
	var to left4me.MapChange
	if err := json.Unmarshal(m.Spec, &to); err != nil || !to.Server.Valid() || to.Server != m.Target {
		return left4me.NewError(left4me.Invalid, "job.no_server", "job", m.ID)
	}
	p.Plan(left4me.StepChangeMap, left4me.StepAwaitMap)
	before, _ := c.statuses.get(to.Server)
	err := p.Step(ctx, left4me.StepChangeMap, func(ctx context.Context) (left4me.Notes, error) {
		return nil, c.enterMap(ctx, to)
	})
	if err == nil {
		err = p.Step(ctx, left4me.StepAwaitMap, func(ctx context.Context) (left4me.Notes, error) {
			ctx, cancel := context.WithTimeout(ctx, mapWithin)
			defer cancel()
			return nil, c.awaitMap(ctx, to, before)
		})
	}
	if err != nil {
		return fmt.Errorf("change map of %s: %w", to.Server, err)
	}
	return nil
}

// enterMap enters the commands that change the mode and the map.
func (c *consoles) enterMap(ctx context.Context, to left4me.MapChange) error {
	if to.Mode != "" {
		if _, err := c.run(ctx, bus.CommandRequest{Server: to.Server, Command: "mp_gamemode " + to.Mode}); err != nil {
			return err
		}
	}
	answer, err := c.run(ctx, bus.CommandRequest{Server: to.Server, Command: "changelevel " + to.To})
	if err != nil {
		return err
	}
	if _, why, failed := strings.Cut(answer.Output, "changelevel failed: "); failed {
		why, _, _ = strings.Cut(why, "\n")
		return left4me.NewError(left4me.Conflict, "map.not_changed", "reason", strings.TrimSpace(why)).InField("map")
	}
	return nil
}

// awaitMap waits until a server answers with the map. before is its status before the change: if it had
// the map already, its answers don't tell when the map was loaded again. Errors: left4me.Unavailable if
// the server ends or restarts, or if ctx ends.
func (c *consoles) awaitMap(ctx context.Context, to left4me.MapChange, before left4me.Status) error {
	if strings.EqualFold(before.Map, to.To) {
		return nil
	}
	s := c.statuses
	for {
		s.mu.Lock()
		st, changed := left4me.Status{State: left4me.Stopped}, s.changed
		if f := s.servers[to.Server]; f != nil {
			st = f.status
		}
		s.mu.Unlock()
		switch {
		case answers(st.State) && strings.EqualFold(st.Map, to.To):
			return nil
		case !st.State.Up() || st.State == left4me.Stopping || st.Restarts > before.Restarts:
			return left4me.NewError(left4me.Unavailable, "map.server_ended", "map", to.To)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return left4me.NewError(left4me.Unavailable, "map.not_loaded", "map", to.To, "seconds", int(mapWithin.Seconds()),
				"now", st.Map).Because(ctx.Err())
		}
	}
}
