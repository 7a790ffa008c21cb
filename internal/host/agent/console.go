package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/rcon"
)

// rconTimeout covers a map that loads: the server answers late then.
const rconTimeout = 35 * time.Second

// lookEvery is how often it is looked whether a server has come up whose console
// somebody waits for.
const lookEvery = 500 * time.Millisecond

// console reads what a server printed. Of one that is down it reads the log;
// positions are the same in both, so that who reads on misses nothing when a
// server ends and starts again.
func (a *Agent) console(ctx context.Context, r bus.ConsoleRequest) (any, error) {
	if !r.Server.Valid() {
		return nil, left4me.Errorf(left4me.Invalid, "the request names no server")
	}
	r.Wait = min(max(r.Wait, 0), shim.MaxWait)
	chunk, err := a.readConsole(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("console of %s: %w", r.Server, err)
	}
	return bus.ConsoleChunk{V: bus.Version, After: chunk.After, Position: chunk.Position, Lost: chunk.Lost, Text: chunk.Lines}, nil
}

func (a *Agent) readConsole(ctx context.Context, r bus.ConsoleRequest) (shim.Chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Wait+5*time.Second)
	defer cancel()
	for deadline := time.Now().Add(r.Wait); ; {
		left := max(0, time.Until(deadline))
		if client, err := shim.Dial(ctx, shim.Socket(a.Sockets, r.Server)); err == nil {
			chunk, err := client.Read(ctx, r.After, left, r.Max)
			client.Close()
			if err == nil || ctx.Err() != nil {
				return chunk, err
			}
			// It ended while we waited for it: what it said last is in the log.
		}
		chunk, err := shim.ReadLog(a.Files.Logs(r.Server), r.After, r.Max)
		if err != nil || chunk.Lines != "" || chunk.Position != r.After && r.After >= 0 || left == 0 {
			return chunk, err
		}
		pause(ctx, min(left, lookEvery))
		if err := ctx.Err(); err != nil {
			return chunk, err
		}
	}
}

// command runs a console command over the remote console on loopback, which
// alone knows what belongs to the answer.
func (a *Agent) command(ctx context.Context, r bus.CommandRequest) (any, error) {
	if !r.Server.Valid() {
		return nil, left4me.Errorf(left4me.Invalid, "the request names no server")
	}
	a.mu.Lock()
	var st left4me.Status
	if f := a.servers[r.Server]; f != nil {
		st = f.status
	}
	a.mu.Unlock()
	if !answers(st.State) || st.Port == 0 {
		return nil, left4me.Errorf(left4me.Conflict, "%s does not run", r.Server).WithHint("start it first")
	}
	password, err := a.Files.RconPassword(r.Server)
	if err != nil {
		return nil, fmt.Errorf("command on %s: %w", r.Server, err)
	}
	ctx, cancel := context.WithTimeout(ctx, rconTimeout)
	defer cancel()
	client, err := rcon.Dial(ctx, fmt.Sprintf("127.0.0.1:%d", st.Port), password)
	if err != nil {
		return nil, remoteFailed(r.Server, err)
	}
	defer client.Close()
	out, err := client.Exec(ctx, r.Command)
	if err != nil {
		return nil, remoteFailed(r.Server, err)
	}
	return bus.CommandAnswer{V: bus.Version, Output: out}, nil
}

func remoteFailed(n left4me.Name, err error) error {
	e := &left4me.Error{
		Kind: left4me.Unavailable,
		Err:  err,
		Text: fmt.Sprintf("the remote console of %s does not answer", n),
		Hint: "it may be loading a map: try again",
	}
	switch {
	case errors.Is(err, rcon.ErrAuth):
		e.Text, e.Hint = fmt.Sprintf("%s refused the remote console's password",
			n), "a plugin or cfg changed rcon_password: restart the server"
	case errors.Is(err, rcon.ErrCommand):
		e.Kind, e.Text, e.Hint = left4me.Invalid, "the command can't be sent", "use one line of plain text"
	}
	return e
}
