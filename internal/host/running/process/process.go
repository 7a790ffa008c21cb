// Package process is the supervisor for hosts without systemd or without root. It starts the shim of
// each server detached, finds it again after left4me was restarted or killed, and cleans up after a
// shim that died.
//
// It reads all state from the host on each call (locks, sockets and processes) and stores none that a
// kill could lose. Running servers are unaffected when left4me ends.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// pollTime is the interval for polling whether a process has come up or ended.
const pollTime = 10 * time.Millisecond

// Config locates the root, the sockets and the program.
type Config struct {
	Root instance.Root
	Run  string   // directory of sockets and locks, usually Root/run
	Exe  string   // the left4me program
	Env  []string // additional environment of the shims

	// StopTime is how long a shim may take for the whole stop sequence before it is killed together
	// with the game; 0 means 25 s.
	StopTime time.Duration
}

// Supervisor starts and stops the shims of this host. Its methods may be called concurrently.
type Supervisor struct{ cfg Config }

// New returns a Supervisor. It starts nothing and needs no Close.
func New(cfg Config) *Supervisor {
	cfg.StopTime = cmp.Or(cfg.StopTime, stopTime)
	return &Supervisor{cfg: cfg}
}

// State returns the state of a server and the reason for it.
func (s *Supervisor) State(ctx context.Context, n left4me.Name) (left4me.ServerState, *left4me.Error, error) {
	if !n.Valid() {
		return "", nil, invalid(n)
	}
	for {
		_, up := shim.Shim(s.cfg.Run, n)
		if !up {
			state, reason := s.down(n)
			return state, reason, nil
		}
		st, err := s.status(ctx, n)
		switch {
		case err == nil:
			return st.State, st.Explained(), nil
		case ctx.Err() != nil:
			return "", nil, ctx.Err()
		case !errors.Is(err, left4me.Unavailable):
			return "", nil, err
		}
		// The shim doesn't listen yet, or has just ended.
		if _, up := shim.Shim(s.cfg.Run, n); up {
			return left4me.Starting, nil, nil
		}
	}
}

// GaveUp reports whether a failed server ended so often that it isn't restarted.
func (s *Supervisor) GaveUp(_ context.Context, n left4me.Name) (bool, error) {
	if !n.Valid() {
		return false, invalid(n)
	}
	f, ok := shim.LastFailure(s.cfg.Run, n)
	return ok && f.GaveUp, nil
}

// down returns the state of a server that has no shim.
func (s *Supervisor) down(n left4me.Name) (left4me.ServerState, *left4me.Error) {
	if f, ok := shim.LastFailure(s.cfg.Run, n); ok {
		return left4me.Failed, f.Reason()
	}
	if shim.Died(s.cfg.Run, n) {
		return left4me.Failed, left4me.NewError(left4me.Unavailable, "state.shim_killed")
	}
	return left4me.Stopped, nil
}

func (s *Supervisor) status(ctx context.Context, n left4me.Name) (shim.Status, error) {
	c, err := shim.Dial(ctx, shim.Socket(s.cfg.Run, n))
	if err != nil {
		return shim.Status{}, err
	}
	defer c.Close()
	return c.Status(ctx)
}

// List returns the servers that are up.
func (s *Supervisor) List(ctx context.Context) ([]left4me.Name, error) {
	entries, err := os.ReadDir(s.cfg.Run)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	var names []left4me.Name
	for _, e := range entries {
		n := left4me.Name(e.Name())
		if !n.Valid() || n == left4me.InstallInstance {
			continue
		}
		if _, up := shim.Shim(s.cfg.Run, n); up {
			names = append(names, n)
		}
	}
	return names, ctx.Err()
}

func invalid(n left4me.Name) error {
	return left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
}

// poll calls done until it returns true or ctx ends.
func poll(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
