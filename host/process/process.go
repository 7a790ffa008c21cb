// Package process is the supervisor for machines without systemd or without
// root: it starts the shim of each server detached, finds it again after
// left4me itself was restarted or killed, and clears up after one that died.
//
// What it knows it reads from the machine each time it is asked (locks, sockets
// and processes); it keeps no state that a kill could lose. A server that runs
// is not touched by the end of left4me.
package process

import (
	"context"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/instance"
)

// Config says where things are.
type Config struct {
	Root instance.Root
	Run  string   // directory of sockets and locks, Root/run as a rule
	Exe  string   // the left4me program
	Env  []string // further environment of the shims
}

// Supervisor starts and stops the shims of this machine. Its methods may be
// called concurrently.
type Supervisor struct{ cfg Config }

// New makes a Supervisor. It starts nothing and needs no closing.
func New(cfg Config) *Supervisor { return &Supervisor{cfg: cfg} }

// Start launches a server and returns when its shim answers, which is before
// the server is ready. It is a success when the server is up already.
func (s *Supervisor) Start(ctx context.Context, n left4me.Name) error { return nil }

// Stop runs the stop sequence and returns when the server has ended and its
// mount is gone. It is a success when the server doesn't run.
func (s *Supervisor) Stop(ctx context.Context, n left4me.Name) error { return nil }

// State tells how a server is, and why.
func (s *Supervisor) State(ctx context.Context, n left4me.Name) (left4me.ServerState, string, error) {
	return left4me.Stopped, "", nil
}

// List gives every server that has something alive.
func (s *Supervisor) List(ctx context.Context) ([]left4me.Name, error) { return nil, nil }

// Empty empties the writable layer of a stopped server.
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error { return nil }
