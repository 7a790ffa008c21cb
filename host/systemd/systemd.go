// Package systemd is the supervisor for machines where our units are installed.
package systemd

import (
	"context"
	"errors"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/host/instance"
)

// Config says where things are.
type Config struct {
	Root instance.Root
	Run  string
}

// Supervisor starts and stops units.
type Supervisor struct{ cfg Config }

// Available says why systemd can't be used here, or nil.
func Available(ctx context.Context) error { return errors.New("our units are not installed") }

// New connects to systemd.
func New(ctx context.Context, cfg Config) (*Supervisor, error) { return &Supervisor{cfg}, nil }

func (s *Supervisor) Start(ctx context.Context, n left4me.Name) error { return nil }
func (s *Supervisor) Stop(ctx context.Context, n left4me.Name) error  { return nil }
func (s *Supervisor) State(ctx context.Context, n left4me.Name) (left4me.ServerState, string, error) {
	return left4me.Stopped, "", nil
}
func (s *Supervisor) List(ctx context.Context) ([]left4me.Name, error) { return nil, nil }
func (s *Supervisor) Empty(ctx context.Context, n left4me.Name) error  { return nil }
