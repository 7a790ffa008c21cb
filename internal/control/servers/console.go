package servers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// RecentHistory asks for the console from as far back as is cheap to have.
const RecentHistory int64 = -1

const (
	consoleChunk   = 256 << 10
	consoleWait    = 20 * time.Second
	renameWait     = 100 * time.Millisecond
	renamedWithin  = 5 * time.Second  // after its host renamed a server, this side knows
	commandTimeout = 40 * time.Second // a server that loads a map answers late
)

// Consoles are what servers print and the commands that they take. It is safe for
// concurrent use.
type Consoles struct{ servers *Servers }

// Consoles returns them; the value may be copied.
func (s *Servers) Consoles() Consoles { return Consoles{s} }

// Follow gives what a server printed after a position, history first, and then
// what it prints, until ctx ends, the server is deleted or the host stops
// answering; the error comes last. A stopped server gives its history and stays
// silent.
func (s Consoles) Follow(ctx context.Context, name left4me.Name, after int64) (iter.Seq2[bus.ConsoleChunk, error], error) {
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return func(yield func(bus.ConsoleChunk, error) bool) {
		var shorter time.Time // since when the log is shorter than what was read of it
		for ctx.Err() == nil {
			asked := v.OnHost()
			c, err := s.chunk(ctx, v, after, consoleWait)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				v, err = s.still(ctx, v) // else it is silent, or tells of the next one of the name
			}
			if err != nil {
				yield(c, err)
				return
			}
			if v.OnHost() != asked {
				shorter = time.Time{}
				continue // that may be of the next one of the name
			}
			if c.Text == "" && c.Lost == 0 && c.Position < after {
				// Its host has renamed it, and a moment later it is known here, too; or
				// somebody removed the log, and it begins anew.
				if shorter.IsZero() {
					shorter = time.Now()
				}
				if time.Since(shorter) < s.servers.renamedWithin {
					_ = sleep.For(ctx, renameWait)
					continue
				}
			}
			shorter = time.Time{}
			after = c.Position
			if c.Text != "" || c.Lost > 0 {
				if !yield(c, nil) {
					return
				}
				continue
			}
		}
	}, nil
}

// still returns a server that was looked at before as it is now: it may have been renamed,
// here or on its host. Errors: left4me.NotFound, also when another one has its name.
func (s Consoles) still(ctx context.Context, v left4me.Server) (left4me.Server, error) {
	now, err := s.servers.storage.Servers().ByID(ctx, v.ID)
	if errors.Is(err, left4me.NotFound) {
		err = left4me.NewError(left4me.NotFound, "server.deleted", "server", v.Name)
	}
	return now, err
}

// Recent gives the end of what a server printed, as far back as is cheap to have,
// and does not wait for more. A negative position means that there is nothing to
// go on from. Errors: left4me.NotFound, left4me.Unavailable.
func (s Consoles) Recent(ctx context.Context, name left4me.Name) (bus.ConsoleChunk, error) {
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return bus.ConsoleChunk{}, err
	}
	return s.chunk(ctx, v, RecentHistory, 0)
}

func (s Consoles) chunk(ctx context.Context, v left4me.Server, after int64, wait time.Duration) (bus.ConsoleChunk, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+10*time.Second)
	defer cancel()
	var c bus.ConsoleChunk
	err := s.servers.bus.Request(ctx, bus.Command(v.Host, bus.VerbConsole),
		bus.ConsoleRequest{V: bus.Version, Server: v.OnHost(), After: after, Max: consoleChunk, Wait: wait}, &c)
	return c, s.servers.Names().shown(ctx, v.Host, err)
}

// names are what of a line of commands is logged: the rest may be passwords.
func names(line string) string {
	return strings.Join(left4me.CfgCommands(line), "; ")
}

// Command runs one console command on a server and returns what it printed. quit
// and exit are a stop, asked for by the one who entered them, since the host
// starts a server again whose game ended by itself. Errors: left4me.Invalid,
// left4me.NotFound, left4me.Conflict when the server doesn't run.
func (s Consoles) Command(ctx context.Context, by left4me.Actor, name left4me.Name, command string) (string, error) {
	command = left4me.Unmarked(command) // of a file that it was copied from
	if err := CheckCommand(command); err != nil {
		return "", err
	}
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return "", err
	}
	s.servers.log.InfoContext(ctx, "console command", "server", name, "by", by.String(), "command", names(command))
	before, quits := left4me.CutQuit(command)
	if !quits {
		return s.run(ctx, v, command)
	}
	if state := s.servers.status.get(v).State; state == left4me.Stopped || state == left4me.Failed {
		return "", left4me.NewError(left4me.Conflict, "server.not_running", "server", name)
	}
	out := ""
	if before != "" {
		if out, err = s.run(ctx, v, before); err != nil {
			return out, err
		}
	}
	if _, err := s.servers.Act(ctx, by, left4me.StopServer, name); err != nil {
		return out, err
	}
	return out + fmt.Sprintf("left4me stops %s\n", name), nil
}

func (s Consoles) run(ctx context.Context, v left4me.Server, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var a bus.CommandAnswer
	err := s.servers.bus.Request(ctx, bus.Command(v.Host, bus.VerbCommand),
		bus.CommandRequest{V: bus.Version, Server: v.OnHost(), Command: command},
		&a)
	return a.Output, s.servers.Names().shown(ctx, v.Host, err)
}
