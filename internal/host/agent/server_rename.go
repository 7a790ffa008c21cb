package agent

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

// onHost is spec with the name that the server has on this host, which is its old one until
// rename is done. What is there decides: the other side may not know yet how far it is.
func (s *servers) onHost(spec left4me.Spec) left4me.Spec {
	if s.hasOldName(spec) && s.core.Files.Root.Exists(spec.OldName) {
		return spec.OnHost()
	}
	spec.OldName = ""
	return spec
}

// hasOldName reports whether what has the old name of a server here, if anything, is its
// own: when a job comes once more, the next server of that name may be there.
func (s *servers) hasOldName(spec left4me.Spec) bool {
	root := s.core.Files.Root
	switch owner := root.Owner(spec.OldName); {
	case spec.OldName == "":
		return false
	case spec.ID == "":
		return true
	case owner != "":
		return owner == spec.ID
	}
	return root.Owner(spec.Name) != spec.ID // else it is renamed as a whole
}

// rename brings a server that is down to its new name, if it has another one here. It may
// be repeated.
func (s *servers) rename(ctx context.Context, spec left4me.Spec, p *job.Progress) error {
	if spec.OldName == "" {
		return nil
	}
	old := spec.OldName
	err := p.Step(ctx, left4me.StepRename, func(ctx context.Context) (string, error) {
		if !s.hasOldName(spec) {
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
		return fmt.Errorf("rename %s to %s: %w", old, spec.Name, err)
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
