package servers

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// ChangeMap changes the map of a running server, and its mode unless mode is empty. Errors:
// left4me.Invalid with the field, also if the server is known not to have the map;
// left4me.NotFound; left4me.Conflict if the server isn't running or the game refuses.
func (s Consoles) ChangeMap(ctx context.Context, by left4me.Actor, name left4me.Name, to, mode string) error {
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
		return err
	}
	if all, err := s.servers.Campaigns(ctx, name); err == nil && !left4me.HasMap(all, to) {
		return left4me.NewError(left4me.Invalid, "map.not_on_server", "server", name, "map", to).InField("map")
	}
	if mode != "" {
		if _, err := s.Command(ctx, by, name, "mp_gamemode "+mode); err != nil {
			return err
		}
	}
	out, err := s.Command(ctx, by, name, "changelevel "+to)
	if err != nil {
		return err
	}
	if _, why, failed := strings.Cut(out, "changelevel failed: "); failed {
		why, _, _ = strings.Cut(why, "\n")
		return left4me.NewError(left4me.Conflict, "map.not_changed", "reason", strings.TrimSpace(why)).InField("map")
	}
	return nil
}
