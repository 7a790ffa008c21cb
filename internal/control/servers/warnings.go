package servers

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits for warnings about a definition, which must be quick.
const (
	warnWithin = 3 * time.Second
	warnMaps   = 12
)

// Warnings checks definitions for likely problems. It is safe for concurrent use.
type Warnings struct{ servers *Servers }

// Warnings returns the warnings; the value may be copied.
func (s *Servers) Warnings() Warnings { return Warnings{s} }

// Of returns what will probably prevent a server from starting with its current definition. Checks
// for which the host doesn't answer are skipped.
func (s Warnings) Of(ctx context.Context, name left4me.Name) []left4me.Warning {
	d, err := s.servers.defined(ctx, name)
	if err != nil {
		return nil
	}
	return s.all(ctx, d.host, d.Spec, d.specOnHost().Overlays)
}

// OfStack is like Of for settings and a stack, such as those of a blueprint.
func (s Warnings) OfStack(ctx context.Context, settings left4me.Settings, stack []left4me.OverlayRef) []left4me.Warning {
	return s.all(ctx, s.servers.hosts.Content(), left4me.Spec{Settings: settings.Normal(), Overlays: stack}, stack)
}

// all returns all warnings of a definition. onHost is its stack by the host's names.
func (s Warnings) all(ctx context.Context, host left4me.Name, sp left4me.Spec, onHost []left4me.OverlayRef) []left4me.Warning {
	lines := lineWarnings(sp)
	sp.Overlays = onHost
	return slices.Concat(s.ofMaps(ctx, host, sp), lines, s.missing(ctx, host, sp))
}

// lineWarnings returns warnings about raw lines that the game parses in an unexpected way. They
// never quote a line, because it may contain passwords.
func lineWarnings(sp left4me.Spec) (all []left4me.Warning) {
	check := func(lines []string, warning func(f gametext.Finding, rows any) left4me.Warning) {
		for _, f := range gametext.Check(gametext.Commands, []byte(strings.Join(lines, "\n"))) {
			var rows any
			if len(f.Rows) > 0 {
				rows = f.Lines()
			}
			all = append(all, warning(f, rows))
		}
	}
	for _, o := range sp.Overlays {
		check(sp.OverlayCfg[o.Name], func(f gametext.Finding, rows any) left4me.Warning {
			return left4me.NewWarning(left4me.WarnText, "", "cfg.overlay_lines", "overlay", o.Name, "count", len(f.Rows),
				"lines", rows, "problem", f.Problem)
		})
	}
	blueprint := func(f gametext.Finding, rows any) left4me.Warning {
		return left4me.NewWarning(left4me.WarnText, "", "cfg.blueprint_lines", "count", len(f.Rows), "lines", rows, "problem", f.Problem)
	}
	check(sp.BlueprintCfg, blueprint)
	if sp.Name == "" {
		check(sp.Settings.Cfg, blueprint)
		return all
	}
	check(sp.Settings.Cfg, func(f gametext.Finding, rows any) left4me.Warning {
		return left4me.NewWarning(left4me.WarnText, "", "cfg.server_lines", "count", len(f.Rows), "lines", rows, "problem", f.Problem)
	})
	return all
}

// missing returns what the server's plugins and tick rate require and the stack lacks.
func (s Warnings) missing(ctx context.Context, host left4me.Name, sp left4me.Spec) []left4me.Warning {
	ctx, cancel := context.WithTimeout(ctx, warnWithin)
	defer cancel()
	var all []left4me.Warning
	err := s.servers.askHost(ctx, host, bus.VerbClashes,
		bus.StackRequest{V: bus.Version, Spec: left4me.Spec{Settings: left4me.Settings{Tick: sp.Settings.Tick}, Overlays: sp.Overlays}},
		&all)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(w left4me.Warning) bool {
		return w.Kind != left4me.WarnNoSourceMod && w.Kind != left4me.WarnNoMetamod && w.Kind != left4me.WarnTickrate
	})
}

func (s Warnings) ofMaps(ctx context.Context, host left4me.Name, sp left4me.Spec) []left4me.Warning {
	first := sp.Settings.Map
	if first == "" {
		return nil // the game's default map always exists
	}
	ctx, cancel := context.WithTimeout(ctx, warnWithin)
	defer cancel()
	var all []left4me.Campaign
	err := s.servers.askHost(ctx, host, bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: left4me.Spec{Overlays: sp.Overlays}},
		&all)
	if err != nil || len(all) == 0 {
		return nil
	}
	if left4me.HasMap(all, first) {
		mode := cmp.Or(sp.Settings.Mode, "coop")
		if has, lacks := left4me.LacksMode(all, first, mode); lacks {
			return []left4me.Warning{left4me.NewWarning(left4me.WarnFirstMap, "", "map.first_without_mode", "map", first, "mode", mode,
				"modes", strings.Join(has, ", "))}
		}
		return nil
	}
	maps, more := left4me.FirstMaps(all, warnMaps)
	var others any
	if more > 0 {
		others = more
	}
	return []left4me.Warning{
		left4me.NewWarning(left4me.WarnFirstMap, "", "map.first_missing", "map", first, "maps", maps, "more", others),
	}
}
