package agent

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// restart stops a server and starts it again.
func (s *servers) restart(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	if err := s.stop(ctx, s.onHost(spec).Name, p); err != nil {
		return err
	}
	return s.start(ctx, spec, p)
}

// stopServer stops a server under the name that it has on this host.
func (s *servers) stopServer(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	return s.stop(ctx, s.onHost(spec).Name, p)
}

// stop stops a server and checks that its layers are unmounted.
func (s *servers) stop(ctx context.Context, n left4me.Name, p *job.Progress) error {
	err := p.Step(ctx, left4me.StepStop, func(ctx context.Context) (left4me.Notes, error) {
		state, _, err := s.core.machine.State(ctx, n)
		if err != nil {
			return nil, err
		}
		var notes left4me.Notes
		if !state.Up() {
			notes = left4me.Notes{left4me.NewNote("server.was_not_running")}
		}
		ctx, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		return notes, s.core.machine.Stop(ctx, n)
	})
	// Update the status in any case: the stop clears an earlier failure, and a server that has
	// ended may still be mounted.
	s.statuses.follow(ctx, n)
	s.statuses.awaitStatus(ctx, n, down)
	if err != nil {
		return fmt.Errorf("stop %s: %w", n, err)
	}
	err = p.Step(ctx, left4me.StepUnmount, func(context.Context) (left4me.Notes, error) {
		mounted, err := s.layers.mounted(n)
		if err == nil && mounted {
			err = left4me.NewError(left4me.Busy, "server.overlay_still_in_use", "server", n)
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("stop %s: %w", n, err)
	}
	return nil
}
