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
	start := fmt.Sprintf("`left4me server start %s`", w.Name)
	switch w.State {
	case left4me.Running, left4me.Unresponsive:
		return ok(name, "it runs, with process %d", w.PID)
	case left4me.Starting:
		return broken(name, "it is starting", "wait until it is ready; its console says what it does")
	case left4me.Stopping:
		return broken(name, "it is being stopped", start)
	case left4me.Failed:
		return broken(name, "it failed: "+w.Reason,
			fmt.Sprintf("`left4me server logs %s` says what it printed last; then %s", w.Name, start))
	}
	return broken(name, "it is not running", start)
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
		return broken(name, fmt.Sprintf("the game took port %d and not %d, which something else had", has, w.Wanted),
			fmt.Sprintf("`ss -lunp 'sport = %d'` names it; end it, then `left4me server restart %s`", w.Wanted, w.Name))
	case !shim.Bound(w.Wanted):
		return broken(name, fmt.Sprintf("nothing listens on UDP port %d of this machine", w.Wanted), w.restart())
	}
	return ok(name, "UDP %d is its own", w.Wanted)
}

// answer checks whether the server answers A2S queries.
func (w *walk) answer(ctx context.Context) left4me.Check {
	const name = "answer"
	info, err := ask(ctx, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(w.Wanted)))
	if err != nil {
		text := "it does not answer on this machine"
		if w.Reason != "" {
			text += ": " + w.Reason
		}
		return broken(name, text, "it may load a map, be flooded or hang: read its console; if it stays so, "+w.restart())
	}
	w.info = info
	return ok(name, "it answers on this machine")
}

// playing checks whether a map is loaded; nobody can join without one.
func (w *walk) playing(context.Context) left4me.Check {
	const name = "map"
	if w.info.Map == "" {
		return broken(name, "no map is loaded",
			"its first map is missing from the game and its overlays: set another one, or add the campaign")
	}
	return ok(name, "%s", w.info.Map)
}

// restart returns the command that restarts the server.
func (w *walk) restart() string { return fmt.Sprintf("`left4me server restart %s`", w.Name) }
