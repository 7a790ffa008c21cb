package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// reset stops a server, empties its writable layer and starts it again.
func (s *servers) reset(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	if err := s.stop(ctx, s.onHost(spec).Name, p); err != nil {
		return err
	}
	// Rename before removing anything: an interrupted rename may have moved some files already.
	if err := s.rename(ctx, spec, p); err != nil {
		return fmt.Errorf("reset %s: %w", spec.Name, err)
	}
	spec.OldName = ""
	err := p.Step(ctx, left4me.StepEmptyUpper, func(ctx context.Context) (left4me.Notes, error) {
		if err := s.empty(ctx, spec.Name); err != nil {
			return nil, err
		}
		// Remove the other files beside the writable layer too. The next start creates them again.
		warning, err := s.core.Files.RemoveRuntime(ctx, spec.Name)
		p.Warn(left4me.StepEmptyUpper, warning)
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("reset %s: %w", spec.Name, err)
	}
	return s.start(ctx, spec, p)
}

// remove removes all files of a server, also those of an incomplete instance. During a rename it
// removes the files under both names.
func (s *servers) remove(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	n := s.onHost(spec).Name
	if err := s.stop(ctx, n, p); err != nil {
		return err
	}
	names := []left4me.Name{spec.Name}
	if old := s.core.Files.Root.FormerName(spec); old != "" {
		names = append(names, old)
	}
	existed := slices.ContainsFunc(names, s.core.Files.Root.Exists)
	err := p.Step(ctx, left4me.StepEmptyUpper, func(ctx context.Context) (left4me.Notes, error) {
		if !existed {
			return left4me.Notes{left4me.NewNote("server.no_writable_layer")}, nil
		}
		for _, n := range names {
			if !s.core.Files.Root.Exists(n) {
				continue
			}
			s.core.Files.GatherLogs(n)
			if err := s.empty(ctx, n); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", n, err)
	}
	err = p.Step(ctx, left4me.StepRemoveFiles, func(ctx context.Context) (left4me.Notes, error) {
		for _, n := range names {
			s.forgetRun(ctx, n)
			warning, err := s.core.Files.Remove(ctx, n)
			p.Warn(left4me.StepRemoveFiles, warning)
			if err != nil {
				return nil, err
			}
		}
		if !existed {
			return left4me.Notes{left4me.NewNote("server.no_files")}, nil
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", n, err)
	}
	for _, n := range names {
		s.statuses.forget(n)
	}
	return nil
}

// runDiscard carries out a job that discards files.
func (s *servers) runDiscard(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
	var spec bus.DiscardSpec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || !m.Target.Valid() || spec.Server != m.Target {
		return left4me.NewError(left4me.Invalid, "job.no_server", "job", m.ID)
	}
	return s.discard(ctx, spec, p)
}

// discard removes paths from the writable layer of a server.
func (s *servers) discard(ctx context.Context, spec bus.DiscardSpec, p *job.Progress) error {
	p.Plan(left4me.StepDiscard)
	err := p.Step(ctx, left4me.StepDiscard, func(ctx context.Context) (left4me.Notes, error) {
		if mounted, err := s.layers.mounted(spec.Server); err != nil || mounted {
			return nil, errors.Join(err,
				left4me.NewError(left4me.Busy, "server.overlay_in_use", "server", spec.Server))
		}
		ctx, cancel := context.WithTimeout(ctx, emptyWithin)
		defer cancel()
		return left4me.Notes{left4me.NewNote("server.paths_discarded", "count", len(spec.Paths))}, s.core.machine.Discard(ctx, spec.Server,
			spec.Paths)
	})
	if err != nil {
		return fmt.Errorf("discard files of %s: %w", spec.Server, err)
	}
	return nil
}

// empty removes what the game wrote, except what the user of the games may not remove.
func (s *servers) empty(ctx context.Context, n left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, emptyWithin)
	defer cancel()
	return s.core.machine.Empty(ctx, n)
}
