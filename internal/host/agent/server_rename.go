package agent

import (
	"cmp"
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// onHost is spec with the name that the server has on this host, which is an older one until
// rename is done. What is there decides: the other side may not know yet how far it is.
func (s *servers) onHost(spec left4me.Spec) left4me.Spec {
	if old := s.core.Files.Root.FormerName(spec); old != "" && s.core.Files.Root.Exists(old) {
		spec.OldName = old
		return spec.OnHost()
	}
	spec.OldName = ""
	return spec
}

// rename brings a server that is down to its new name, if it has another one here. It may
// be repeated.
func (s *servers) rename(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	old := s.core.Files.Root.FormerName(spec)
	if old == "" && spec.OldName == "" {
		return nil
	}
	err := p.Step(ctx, left4me.StepRename, func(ctx context.Context) (string, error) {
		if old == "" {
			return "it is renamed already", nil
		}
		stopping, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		// A unit that had failed would be left, and a shim that is going might write there.
		if err := s.core.machine.Stop(stopping, old); err != nil {
			return "", err
		}
		renamed, err := s.core.Files.Rename(old, spec.Name)
		if err != nil {
			return "", err
		}
		s.forgetRun(ctx, old)
		s.statuses.forget(old)
		if !renamed {
			return "nothing was called " + string(old), nil
		}
		return fmt.Sprintf("%s is now %s", old, spec.Name), nil
	})
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", cmp.Or(old, spec.OldName), spec.Name, err)
	}
	return nil
}

// forgetRun removes what a server that is down left for its next run: its socket, its lock
// and why it failed. What the game leaves there is gone at the next boot at the latest, if
// this user may not remove it.
func (s *servers) forgetRun(ctx context.Context, n left4me.Name) {
	if run, err := gameuser.OpenDir(s.core.Sockets, "."); err == nil {
		_ = gameuser.Remove(ctx, run, string(n))
		run.Close()
	}
}
