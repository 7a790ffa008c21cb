package servers

import (
	"cmp"
	"context"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// ChangeMap adds a job that changes the map of a running server, and its mode unless mode is empty.
// Errors: left4me.Invalid with the field, also if the server is known not to have the map, or the map not
// to have the mode; left4me.NotFound; left4me.Conflict if the server isn't running.
func (s Consoles) ChangeMap(ctx context.Context, by left4me.Actor, name left4me.Name, to, mode string) (left4me.Job, error) {
	to, mode = left4me.MapName(to), left4me.MapName(mode)
	var f fields
	switch {
	case to == "":
		f.add("map", left4me.NewError(left4me.Invalid, "map.missing"))
	case strings.Contains(to, "..") || strings.HasPrefix(to, "/"):
		f.add("map", left4me.NewError(left4me.Invalid, "map.invalid", "map", to))
	default:
		f.word("map", strings.ReplaceAll(to, "/", "_"))
	}
	f.word("mode", mode)
	if err := f.err(); err != nil {
		return left4me.Job{}, err
	}
	v, err := s.servers.Get(ctx, name)
	if err != nil {
		return left4me.Job{}, err
	}
	if all, err := s.servers.Campaigns(ctx, name); err == nil {
		if !left4me.HasMap(all, to) {
			return left4me.Job{}, left4me.NewError(left4me.Invalid, "map.not_on_server", "server", name, "map", to).InField("map")
		}
		if err := checkMode(all, to, mode, v.Status.Mode); err != nil {
			return left4me.Job{}, err
		}
	}
	if st := v.Status.State; st != left4me.Running && st != left4me.Unresponsive {
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "server.not_running", "server", name)
	}
	return s.servers.jobs.Add(ctx, by, left4me.ChangeMap, name, v.Host,
		left4me.MapChange{Server: v.OnHost(), From: v.Status.Map, To: to, Mode: mode})
}

// checkMode checks that a map has the requested mode or, if none is requested, the current one.
func checkMode(all []left4me.Campaign, to, mode, current string) error {
	has, lacks := left4me.LacksMode(all, to, cmp.Or(mode, current))
	switch {
	case !lacks:
		return nil
	case mode != "":
		return left4me.NewError(left4me.Invalid, "map.without_mode", "map", to, "mode", mode, "modes",
			strings.Join(has, ", ")).InField("mode")
	}
	return left4me.NewError(left4me.Invalid, "map.without_current_mode", "map", to, "mode", current, "modes", strings.Join(has, ", ")).
		InField("mode")
}
