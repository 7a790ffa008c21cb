package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/source/rcon"
)

// rconTimeout allows for a map change, during which the server answers late.
const rconTimeout = 35 * time.Second

// pollEvery is the interval at which a console request checks whether a stopped server has come up.
const pollEvery = 500 * time.Millisecond

// consoles reads the consoles of servers and runs commands on them.
type consoles struct {
	core     *core
	statuses *statuses
}

// read returns console output after a position. For a server that is down it reads the log.
// Positions are the same in both, so a reader misses nothing when a server ends and starts again.
func (c *consoles) read(ctx context.Context, r bus.ConsoleRequest) (answer bus.ConsoleChunk, err error) {
	if !r.Server.Valid() {
		return answer, left4me.NewError(left4me.Invalid, "request.no_server")
	}
	r.Wait = min(max(r.Wait, 0), shim.MaxWait)
	chunk, err := c.chunk(ctx, r)
	if err != nil {
		return answer, fmt.Errorf("console of %s: %w", r.Server, err)
	}
	return bus.ConsoleChunk{V: bus.Version, After: chunk.After, Position: chunk.Position, Lost: chunk.Lost, Text: chunk.Lines}, nil
}

func (c *consoles) chunk(ctx context.Context, r bus.ConsoleRequest) (shim.Chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Wait+5*time.Second)
	defer cancel()
	for deadline := time.Now().Add(r.Wait); ; {
		left := max(0, time.Until(deadline))
		if client, err := shim.Dial(ctx, shim.Socket(c.core.Sockets, r.Server)); err == nil {
			chunk, err := client.Read(ctx, r.After, left, r.Max)
			client.Close()
			if err == nil || ctx.Err() != nil {
				return chunk, err
			}
			// The server ended during the request; its last output is in the log.
		}
		chunk, err := shim.ReadLog(c.core.Files.Root.Logs(r.Server), r.After, r.Max)
		if err != nil || chunk.Lines != "" || chunk.Position != r.After && r.After >= 0 || left == 0 {
			return chunk, err
		}
		_ = sleep.For(ctx, min(left, pollEvery))
		if err := ctx.Err(); err != nil {
			return chunk, err
		}
	}
}

// run runs a console command over RCON on loopback. Only RCON separates the command's output from
// other console output.
func (c *consoles) run(ctx context.Context, r bus.CommandRequest) (answer bus.CommandAnswer, err error) {
	if !r.Server.Valid() {
		return answer, left4me.NewError(left4me.Invalid, "request.no_server")
	}
	st, _ := c.statuses.get(r.Server)
	if !answers(st.State) || st.Port == 0 {
		return answer, left4me.NewError(left4me.Conflict, "server.not_running", "server", r.Server)
	}
	password, err := c.core.Files.RconPassword(r.Server)
	if err != nil {
		return answer, fmt.Errorf("command on %s: %w", r.Server, err)
	}
	ctx, cancel := context.WithTimeout(ctx, rconTimeout)
	defer cancel()
	client, err := rcon.Dial(ctx, fmt.Sprintf("127.0.0.1:%d", st.Port), password)
	if err != nil {
		return answer, remoteFailed(r.Server, err)
	}
	defer client.Close()
	out, err := client.Exec(ctx, r.Command)
	if err != nil {
		return answer, remoteFailed(r.Server, err)
	}
	return bus.CommandAnswer{V: bus.Version, Output: out}, nil
}

func remoteFailed(n left4me.Name, err error) error {
	switch {
	case errors.Is(err, rcon.ErrAuth):
		return left4me.NewError(left4me.Unavailable, "console.password_refused", "server", n).Because(err)
	case errors.Is(err, rcon.ErrCommand):
		return left4me.NewError(left4me.Invalid, "console.command_not_plain").Because(err)
	}
	return left4me.NewError(left4me.Unavailable, "console.no_answer", "server", n).Because(err)
}

// tail returns the end of a server's console, at most size bytes.
func (c *consoles) tail(ctx context.Context, n left4me.Name, size int64) (string, error) {
	newest, err := c.chunk(ctx, bus.ConsoleRequest{Server: n, After: -1})
	if err == nil {
		// Recent output appears with a short delay, or as soon as a reader waits for it.
		newest, err = c.chunk(ctx, bus.ConsoleRequest{Server: n, After: newest.Position, Wait: newestWait})
	}
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for at := max(0, newest.Position-size); at < newest.Position; {
		c, err := c.chunk(ctx, bus.ConsoleRequest{Server: n, After: at, Max: shim.MaxChunk})
		if err != nil || c.Position <= at {
			return all.String(), err
		}
		all.WriteString(c.Lines)
		at = c.Position
	}
	return all.String(), nil
}
