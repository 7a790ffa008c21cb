// Package process is the supervisor for machines without systemd or without
// root: it starts the shim of each server detached, finds it again after
// left4me itself was restarted or killed, and clears up after one that died.
//
// What it knows it reads from the machine each time it is asked (locks, sockets
// and processes); it keeps no state that a kill could lose. A server that runs
// is not touched by the end of left4me.
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

// pollTime is how often it is checked whether something came up or went away.
const pollTime = 10 * time.Millisecond

// Config says where things are.
type Config struct {
	Root instance.Root
	Run  string   // directory of sockets and locks, Root/run as a rule
	Exe  string   // the left4me program
	Env  []string // further environment of the shims

	// StopTime is how long a shim may take for the whole stop sequence before it is
	// killed, and the game with it; 0 means 25 s.
	StopTime time.Duration
}

// Supervisor starts and stops the shims of this machine. Its methods may be
// called concurrently.
type Supervisor struct{ cfg Config }

// New makes a Supervisor. It starts nothing and needs no closing.
func New(cfg Config) *Supervisor {
	cfg.StopTime = cmp.Or(cfg.StopTime, stopTime)
	return &Supervisor{cfg: cfg}
}

// State tells how a server is, and why.
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
		// It doesn't listen yet, or has just ended.
		if _, up := shim.Shim(s.cfg.Run, n); up {
			return left4me.Starting, nil, nil
		}
	}
}

// GaveUp reports whether a server that failed ended so often that it is not
// started again.
func (s *Supervisor) GaveUp(_ context.Context, n left4me.Name) (bool, error) {
	if !n.Valid() {
		return false, invalid(n)
	}
	f, ok := shim.LastFailure(s.cfg.Run, n)
	return ok && f.GaveUp, nil
}

// down tells how a server without a shim is.
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

// List gives every server that has something alive.
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

// poll calls done until it is true or ctx ends.
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
