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

// RecentHistory requests as much console history as is cheap to read.
const RecentHistory int64 = -1

const (
	consoleChunk   = 256 << 10
	consoleWait    = 20 * time.Second
	renameWait     = 100 * time.Millisecond
	renamedWithin  = 5 * time.Second  // limit for left4me to learn that a host has renamed a server
	commandTimeout = 40 * time.Second // a server that is loading a map answers late
)

// Consoles accesses the output and the commands of servers. It is safe for concurrent use.
type Consoles struct{ servers *Servers }

// Consoles returns access to consoles; the value may be copied.
func (s *Servers) Consoles() Consoles { return Consoles{s} }

// Follow yields the console output of a server after a position: history first, then new output,
// until ctx ends, the server is deleted or the host stops answering. An error is yielded last. A
// stopped server yields its history and then nothing.
func (s Consoles) Follow(ctx context.Context, name left4me.Name, after int64) (iter.Seq2[bus.ConsoleChunk, error], error) {
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return func(yield func(bus.ConsoleChunk, error) bool) {
		var shorter time.Time // since when the log has been shorter than the position read
		for ctx.Err() == nil {
			asked := v.OnHost()
			c, err := s.chunk(ctx, v, after, consoleWait)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				v, err = s.reread(ctx, v) // without this check it would wait forever, or read the next server of this name
			}
			if err != nil {
				yield(c, err)
				return
			}
			if v.OnHost() != asked {
				shorter = time.Time{}
				continue // the chunk may belong to the next server of the name
			}
			if c.Text == "" && c.Lost == 0 && c.Position < after {
				// Either the host has renamed the server, which will soon be known here too, or the
				// log was removed and starts again from 0.
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

// reread returns the current definition of a server read earlier, which may have been renamed
// since, here or on its host. Errors: left4me.NotFound, also if another server has its name now.
func (s Consoles) reread(ctx context.Context, v left4me.Server) (left4me.Server, error) {
	now, err := s.servers.storage.Servers().ByID(ctx, v.ID)
	if errors.Is(err, left4me.NotFound) {
		err = left4me.NewError(left4me.NotFound, "server.deleted", "server", v.Name)
	}
	return now, err
}

// Recent returns the end of a server's console output, as far back as is cheap to read, without
// waiting for more. A negative position means that Follow cannot continue from it. Errors:
// left4me.NotFound, left4me.Unavailable.
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

// commandNames returns the commands of a console line for the log, without arguments, which may be
// passwords.
func commandNames(line string) string {
	return strings.Join(left4me.CfgCommands(line), "; ")
}

// Command runs a console command on a server and returns its output. quit and exit become a stop
// job of the user, because the host would restart a game that exits on its own. Errors:
// left4me.Invalid, left4me.NotFound, left4me.Conflict if the server isn't running.
func (s Consoles) Command(ctx context.Context, by left4me.Actor, name left4me.Name, command string) (string, error) {
	command = left4me.Unmarked(command) // a byte order mark may have been copied from a file
	if err := CheckCommand(command); err != nil {
		return "", err
	}
	v, err := s.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return "", err
	}
	s.servers.log.InfoContext(ctx, "console command", "server", name, "by", by.String(), "command", commandNames(command))
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
