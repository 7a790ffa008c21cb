package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// Deadlines of what a job waits for. The shim has its own, shorter ones; these
// end a job whose shim does not answer.
const (
	launchWithin = 30 * time.Second
	readyWithin  = 10 * time.Minute
	stopWithin   = 60 * time.Second
	emptyWithin  = 5 * time.Minute
	cancelWithin = 3 * time.Second // a job that is cancelled ends within 5 s

	catchUpWithin = time.Second
)

func (a *Agent) start(ctx context.Context, spec left4me.Spec, p *progress) error {
	n, began := spec.Name, now()
	err := a.bringUp(ctx, spec, p)
	if err == nil {
		a.caughtUp(ctx, n, func(f follower) bool { return answers(f.status.State) && !f.status.SampledAt.IsZero() })
		return nil
	}
	if errors.Is(context.Cause(ctx), errCancelled) {
		ctx = context.WithoutCancel(ctx)
		a.abandon(ctx, n)
	}
	a.follow(n) // its shim may have failed before anybody asked it
	a.caughtUp(ctx, n, down)
	return fmt.Errorf("start %s: %w", n, a.mapsNamed(ctx, spec, began, err))
}

// abandon undoes a start that was cancelled: neither a process nor a mount is
// left. What would take longer than cancelWithin goes on without the job.
func (a *Agent) abandon(ctx context.Context, n left4me.Name) {
	ctx, cancel := context.WithTimeout(ctx, cancelWithin)
	defer cancel()
	if err := a.supervisor.Stop(ctx, n); err != nil {
		a.log.Error("stop after a cancelled start", "server", n, "err", err)
	}
}

// bringUp starts a server that is not up, and returns when it answers players.
func (a *Agent) bringUp(ctx context.Context, spec left4me.Spec, p *progress) error {
	n := spec.Name
	state, _, err := a.supervisor.State(ctx, n)
	if err != nil {
		return err
	}
	if state.Up() && state != left4me.Stopping {
		p.skip("it runs already", left4me.StepWriteConfig, left4me.StepCheckPort, left4me.StepLaunch)
	} else {
		giveTurn, err := a.starts.take(ctx, func() { p.note(left4me.StepWriteConfig, "waits for its turn: others start") })
		if err != nil {
			return err
		}
		defer giveTurn()
		if err := a.launch(ctx, spec, p); err != nil {
			return err
		}
	}
	a.follow(n)
	return p.step(ctx, left4me.StepAwaitReady, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, readyWithin)
		defer cancel()
		return "", a.awaitReady(ctx, n)
	})
}

func (a *Agent) launch(ctx context.Context, spec left4me.Spec, p *progress) error {
	var release func()
	err := p.step(ctx, left4me.StepWriteConfig, func(ctx context.Context) (_ string, err error) {
		release, err = a.prepare(ctx, spec)
		return "", err
	})
	if err != nil {
		return err
	}
	defer release()
	err = p.step(ctx, left4me.StepCheckPort, func(context.Context) (string, error) { return a.checkPorts(spec) })
	if err != nil {
		return err
	}
	return p.step(ctx, left4me.StepLaunch, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, a.launchWithin)
		defer cancel()
		return "", a.supervisor.Start(ctx, spec.Name)
	})
}

// prepare writes what a start needs. None of the layers that it names is removed
// until release is called, when they are mounted.
func (a *Agent) prepare(ctx context.Context, spec left4me.Spec) (release func(), err error) {
	for {
		if err := a.Files.Prepare(ctx, spec); err != nil {
			return nil, err
		}
		env, err := a.Files.ReadEnv(spec.Name)
		if err != nil {
			return nil, err
		}
		if release, err = a.mounts.pin(ctx, spec.Name, env); err != nil {
			return nil, err
		}
		// A layer may have been removed between the two.
		now, _, err := a.Files.Layers(spec.Overlays)
		if err == nil && slices.Equal(now, env.Lowerdirs[1:]) {
			return release, nil
		}
		release()
		if err != nil {
			return nil, err
		}
	}
}

// awaitReady waits until the server answers players, or has failed.
func (a *Agent) awaitReady(ctx context.Context, n left4me.Name) error {
	for rev := int64(-1); ; {
		st, err := a.watchShim(ctx, n, rev)
		if ctx.Err() != nil {
			return &left4me.Error{
				Kind: left4me.Unavailable,
				Err:  ctx.Err(),
				Text: fmt.Sprintf("%s did not become ready", n),
				Hint: "read its console",
			}
		}
		if err == nil {
			rev = st.Rev
			switch st.State {
			case left4me.Running, left4me.Unresponsive:
				return nil
			case left4me.Failed, left4me.Stopped:
				return failed(n, st.Reason)
			}
			continue
		}
		// No shim answers: it is not up yet, between two attempts, or gone.
		state, reason, serr := a.supervisor.State(ctx, n)
		switch {
		case serr != nil:
			return serr
		case state == left4me.Failed, state == left4me.Stopped:
			return failed(n, reason)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func failed(n left4me.Name, reason string) error {
	if reason == "" {
		reason = "it ended while it started"
	}
	return &left4me.Error{Kind: left4me.Unavailable, Text: reason, Hint: "read the console of " + string(n)}
}

func (a *Agent) watchShim(ctx context.Context, n left4me.Name, rev int64) (shim.Status, error) {
	c, err := shim.Dial(ctx, shim.Socket(a.Sockets, n))
	if err != nil {
		return shim.Status{}, err
	}
	defer c.Close()
	return c.Watch(ctx, rev)
}

func (a *Agent) stop(ctx context.Context, n left4me.Name, p *progress) error {
	err := p.step(ctx, left4me.StepStop, func(ctx context.Context) (string, error) {
		state, _, err := a.supervisor.State(ctx, n)
		if err != nil {
			return "", err
		}
		note := ""
		if !state.Up() {
			note = "it was not running"
		}
		ctx, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		return note, a.supervisor.Stop(ctx, n)
	})
	// Also of one that had failed, which is forgotten now, and of one that ended
	// but whose mount did not.
	a.follow(n)
	a.caughtUp(ctx, n, down)
	if err != nil {
		return fmt.Errorf("stop %s: %w", n, err)
	}
	err = p.step(ctx, left4me.StepUnmount, func(context.Context) (string, error) {
		mounted, err := a.mounted(n)
		if err == nil && mounted {
			err = &left4me.Error{
				Kind: left4me.Busy,
				Text: fmt.Sprintf("the overlay of %s is still in use", n),
				Hint: "end the program that writes to it, then stop the server again",
			}
		}
		return "", err
	})
	if err != nil {
		return fmt.Errorf("stop %s: %w", n, err)
	}
	return nil
}

// down reports that what is told of a server is how it ended.
func down(f follower) bool { return !f.active }

// caughtUp waits a moment until what is told of a server is what its job has
// seen: who reads the end of the job shall not read an older state behind it.
func (a *Agent) caughtUp(ctx context.Context, n left4me.Name, ok func(follower) bool) {
	for end := time.Now().Add(catchUpWithin); ctx.Err() == nil && time.Now().Before(end); pause(ctx, 5*time.Millisecond) {
		a.mu.Lock()
		f := a.servers[n]
		done := f == nil || ok(*f)
		a.mu.Unlock()
		if done {
			return
		}
	}
}

// mounted looks in the mount table that this process sees: without systemd a
// server's mount is in its own namespace and has gone with it.
func (a *Agent) mounted(n left4me.Name) (bool, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	return strings.Contains(string(b), " "+escapeMount(a.Files.Merged(n))+" "), nil
}

// escapeMount writes a path as mountinfo does.
func escapeMount(path string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(path)
}

func (a *Agent) reset(ctx context.Context, spec left4me.Spec, p *progress) error {
	if err := a.stop(ctx, spec.Name, p); err != nil {
		return err
	}
	err := p.step(ctx, left4me.StepEmptyUpper, func(ctx context.Context) (string, error) {
		if err := a.empty(ctx, spec.Name); err != nil {
			return "", err
		}
		// With what stands beside it: a start makes all of it anew.
		warning, err := a.Files.RemoveRuntime(ctx, spec.Name)
		p.warn(left4me.StepEmptyUpper, warning)
		return "", err
	})
	if err != nil {
		return fmt.Errorf("reset %s: %w", spec.Name, err)
	}
	return a.start(ctx, spec, p)
}

// empty removes what the game wrote, as far as the user of the games may.
func (a *Agent) empty(ctx context.Context, n left4me.Name) error {
	ctx, cancel := context.WithTimeout(ctx, emptyWithin)
	defer cancel()
	return a.supervisor.Empty(ctx, n)
}

// remove works on whatever there is of a server, whole or half-made.
func (a *Agent) remove(ctx context.Context, n left4me.Name, p *progress) error {
	if err := a.stop(ctx, n, p); err != nil {
		return err
	}
	existed := a.Files.Exists(n)
	err := p.step(ctx, left4me.StepEmptyUpper, func(ctx context.Context) (string, error) {
		if !existed {
			return "there was none", nil
		}
		a.Files.GatherLogs(n)
		return "", a.empty(ctx, n)
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", n, err)
	}
	err = p.step(ctx, left4me.StepRemoveFiles, func(ctx context.Context) (string, error) {
		// What the game leaves there is gone at the next boot at the latest, if
		// this user may not remove it.
		if run, err := gameuser.OpenDir(a.Sockets, "."); err == nil {
			_ = gameuser.Remove(ctx, run, string(n))
			run.Close()
		}
		if !existed {
			return "there were none", nil
		}
		warning, err := a.Files.Remove(ctx, n)
		p.warn(left4me.StepRemoveFiles, warning)
		return "", err
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", n, err)
	}
	a.forget(n)
	return nil
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
