package agent

import (
	"cmp"
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// onHost returns spec with the name that the server has on this host: the former name until rename
// has moved its files. The files on disk decide, because control may not know how far the rename
// has got.
func (s *servers) onHost(spec left4me.Spec) left4me.Spec {
	if old := s.core.Files.Root.FormerName(spec); old != "" && s.core.Files.Root.Exists(old) {
		spec.OldName = old
		return spec.OnHost()
	}
	spec.OldName = ""
	return spec
}

// rename gives a server that is down its new name, unless it already has it. It may be repeated.
func (s *servers) rename(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	old := s.core.Files.Root.FormerName(spec)
	if old == "" && spec.OldName == "" {
		return nil
	}
	err := p.Step(ctx, left4me.StepRename, func(ctx context.Context) (left4me.Notes, error) {
		if old == "" {
			return left4me.Notes{left4me.NewNote("server.already_renamed")}, nil
		}
		stopping, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		// Reset a failed unit, and wait for an ending shim, which might still write to the old
		// directory.
		if err := s.core.machine.Stop(stopping, old); err != nil {
			return nil, err
		}
		renamed, err := s.core.Files.Rename(old, spec.Name)
		if err != nil {
			return nil, err
		}
		s.forgetRun(ctx, old)
		s.statuses.forget(old)
		if !renamed {
			return left4me.Notes{left4me.NewNote("server.nothing_to_rename", "name", old)}, nil
		}
		return left4me.Notes{left4me.NewNote("server.renamed", "from", old, "to", spec.Name)}, nil
	})
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", cmp.Or(old, spec.OldName), spec.Name, err)
	}
	return nil
}

// forgetRun removes the run-time files of a server that is down: its socket, its lock and its last
// failure. Files of the game's user that this user may not remove disappear at the next boot.
func (s *servers) forgetRun(ctx context.Context, n left4me.Name) {
	if run, err := gameuser.OpenDir(s.core.Sockets, "."); err == nil {
		_ = gameuser.Remove(ctx, run, string(n))
		run.Close()
	}
}
