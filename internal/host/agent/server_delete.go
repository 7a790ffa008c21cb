package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

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

// remove takes a server off this host. Its files are kept under another name, so that the server can
// be restored until removeKept is called.
func (s *servers) remove(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	n := s.onHost(spec).Name
	if err := s.stop(ctx, n, p); err != nil {
		return err
	}
	names := []left4me.Name{spec.Name}
	if old := s.core.Files.Root.FormerName(spec); old != "" {
		names = append(names, old)
	}
	kept := left4me.KeptName(spec.ID)
	if !kept.Kept() { // the request of a version that gave servers no ids
		return s.removeFiles(ctx, names, p)
	}
	names = slices.DeleteFunc(names, left4me.Name.Kept)
	err := p.Step(ctx, left4me.StepKeepFiles, func(ctx context.Context) (left4me.Notes, error) {
		for _, n := range names {
			if err := s.keep(ctx, n, kept); err != nil {
				return nil, err
			}
		}
		sizing, cancel := context.WithTimeout(ctx, sizeWithin)
		defer cancel()
		size := s.core.Files.Root.Size(sizing, kept)
		p.Bytes(left4me.StepKeepFiles)(size, size)
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", n, err)
	}
	return nil
}

// sizeWithin limits how long the files of a deleted server are counted.
const sizeWithin = 10 * time.Second

// keep renames the files of a server that is down. Files that cannot be kept, because an interrupted
// rename left some under both of its names, are removed.
func (s *servers) keep(ctx context.Context, n, kept left4me.Name) error {
	_, err := s.core.Files.Rename(n, kept)
	if errors.Is(err, left4me.Conflict) {
		s.core.log.WarnContext(ctx, "files of a deleted server exist twice", "server", n, "err", err)
		if err = s.empty(ctx, n); err == nil {
			_, err = s.core.Files.Remove(ctx, n)
		}
	}
	if err != nil {
		return err
	}
	s.forgetRun(ctx, n)
	s.statuses.forget(n)
	return nil
}

// removeKept permanently removes the files of a deleted server.
func (s *servers) removeKept(ctx context.Context, r bus.KeptRequest) (bus.KeptAnswer, error) {
	kept := left4me.KeptName(r.ID)
	if !kept.Kept() {
		return bus.KeptAnswer{}, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", kept).InField("id")
	}
	if !s.core.Files.Root.Exists(kept) {
		return bus.KeptAnswer{V: bus.Version}, nil
	}
	s.core.Files.GatherLogs(kept)
	if err := s.empty(ctx, kept); err != nil {
		return bus.KeptAnswer{}, fmt.Errorf("remove %s: %w", kept, err)
	}
	warning, err := s.core.Files.Remove(ctx, kept)
	if err != nil {
		return bus.KeptAnswer{}, err
	}
	return bus.KeptAnswer{V: bus.Version, Warning: warning.String()}, nil
}

// removeFiles removes all files under the names of a server, also those of an incomplete instance.
func (s *servers) removeFiles(ctx context.Context, names []left4me.Name, p *job.Progress) error {
	n := names[0]
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
