package connectivity

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// process checks whether the server is running.
func (w *walk) process(context.Context) left4me.Check {
	const name = "process"
	start := left4me.Commands("left4me server start " + string(w.Name))
	switch w.State {
	case left4me.Running, left4me.Unresponsive:
		return left4me.NewCheck(left4me.CheckOK, name, "process.running", "pid", w.PID)
	case left4me.Starting:
		return left4me.NewCheck(left4me.CheckBroken, name, "process.starting")
	case left4me.Stopping:
		return left4me.NewCheck(left4me.CheckBroken, name, "process.stopping", "command", start)
	case left4me.Failed:
		return left4me.NewCheck(left4me.CheckBroken, name, "process.failed", "reason", w.reason(),
			"log", left4me.Commands("left4me server logs "+string(w.Name)), "command", start)
	}
	return left4me.NewCheck(left4me.CheckBroken, name, "process.stopped", "command", start)
}

// port checks whether the server has the port of its definition. The game silently takes the next
// port if its own is in use.
func (w *walk) port(ctx context.Context) left4me.Check {
	const name = "port"
	if text, err := w.Console(ctx); err == nil {
		w.printed = scan(text)
	}
	has := w.printed.port
	if has == 0 {
		has = w.Port
	}
	switch {
	case has != w.Wanted && has != 0:
		return left4me.NewCheck(left4me.CheckBroken, name, "port.other", "port", has, "want", w.Wanted,
			"find", left4me.Commands(fmt.Sprintf("ss -lunp 'sport = %d'", w.Wanted)), "command", w.restart())
	case !shim.Bound(w.Wanted):
		return left4me.NewCheck(left4me.CheckBroken, name, "port.unused", "port", w.Wanted, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "port.ok", "port", w.Wanted)
}

// answer checks whether the server answers A2S queries.
func (w *walk) answer(ctx context.Context) left4me.Check {
	const name = "answer"
	info, err := ask(ctx, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(w.Wanted)))
	if err != nil {
		return left4me.NewCheck(left4me.CheckBroken, name, "answer.none", "reason", w.reason(), "command", w.restart())
	}
	w.info = info
	return left4me.NewCheck(left4me.CheckOK, name, "answer.ok")
}

// playing checks whether a map is loaded; nobody can join without one.
func (w *walk) playing(context.Context) left4me.Check {
	const name = "map"
	if w.info.Map == "" {
		return left4me.NewCheck(left4me.CheckBroken, name, "map.none")
	}
	return left4me.NewCheck(left4me.CheckOK, name, "map.ok", "map", w.info.Map)
}

// restart returns the command that restarts the server.
func (w *walk) restart() left4me.Remedy {
	return left4me.Commands("left4me server restart " + string(w.Name))
}

// reason returns why the server is in its state: an error, the text of a shim that sent no error, or
// nil if nothing is known.
func (w *walk) reason() any {
	if w.Why == nil && w.Reason != "" {
		return w.Reason
	}
	return w.Why
}
