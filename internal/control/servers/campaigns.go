package servers

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Campaigns returns what a server can play: the campaigns of the game, then those
// of its overlays; see left4me.Campaign and left4me.AnyMode. Errors:
// left4me.NotFound, left4me.Unavailable.
func (s *Servers) Campaigns(ctx context.Context, name left4me.Name) ([]left4me.Campaign, error) {
	d, err := s.defined(ctx, name)
	if err != nil {
		return nil, err
	}
	hint, err := s.TextHint(ctx)
	if err != nil {
		return nil, err
	}
	var all []left4me.Campaign
	err = s.askHost(ctx, d.host, bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost(), Hint: hint}, &all)
	return all, err
}

// CampaignsOf returns what a server with such a stack could play, as Campaigns does.
// Overlays that the host doesn't have are passed over. Errors:
// left4me.Unavailable.
func (s *Servers) CampaignsOf(ctx context.Context, stack []left4me.OverlayRef) (all []left4me.Campaign, err error) {
	hint, err := s.TextHint(ctx)
	if err != nil {
		return nil, err
	}
	sp := left4me.Spec{Overlays: stack}
	err = s.askHost(ctx, s.hosts.Content(), bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: sp, Hint: hint}, &all)
	return all, err
}

// TextHint is the encoding of texts that are too short to tell: the setting of names
// in archives. Empty: it is found out.
func (s *Servers) TextHint(ctx context.Context) (string, error) {
	v, err := s.storage.Site().ArchiveNames(ctx)
	if v == "automatic" {
		v = ""
	}
	return v, err
}

// Clashes says what the overlays of a server have in common: add-ons with the same
// files, a campaign twice, more add-ons than the game has room for. Errors:
// left4me.NotFound, left4me.Unavailable.
func (s Files) Clashes(ctx context.Context, name left4me.Name) (all []left4me.Warning, err error) {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return nil, err
	}
	err = s.servers.askHost(ctx, d.host, bus.VerbClashes, bus.StackRequest{V: bus.Version, Spec: d.specOnHost().OnHost()}, &all)
	return all, err
}

// ChangeMap changes the map of a server that runs, and its mode if one is named.
// Errors: left4me.Invalid with the field, also for a map that the server doesn't
// have as far as that is known; left4me.NotFound; left4me.Conflict when it doesn't
// run or the game refuses.
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
