package connectivity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/cvar"
	"github.com/left4me/left4me/source/status"
)

// joinVariables lists the variables that decide who may join.
var joinVariables = []string{
	"sv_lan", "sv_steamgroup", "sv_steamgroup_exclusive", "sv_allow_lobby_connect_only", "sv_gametypes", "mp_gamemode",
	"sv_password", "sv_visiblemaxplayers", "sv_hibernate_when_empty", "sv_search_key",
}

// settings asks the server for the values of its variables.
func (w *walk) settings(ctx context.Context) left4me.Check {
	const name = "settings"
	text, err := w.Command(ctx, strings.Join(joinVariables, ";"))
	if err == nil {
		w.vars = cvar.Parse(text)
		text, err = w.Command(ctx, "status")
	}
	if err != nil {
		public, ok := left4me.Public(err)
		if !ok {
			public = left4me.NewError(left4me.Unavailable, "console.of_server_silent")
		}
		return skipped(name, "it can't be asked for them: "+public.Text, public.Hint)
	}
	w.statusAnswer, err = status.Parse(text)
	if err != nil || len(w.vars) == 0 {
		return skipped(name, "its remote console answers, but not to what it was asked",
			"a plugin may have taken the commands over: ask it on its console")
	}
	return ok(name, "its remote console answers")
}

// set returns the server's value of a variable; known is false if the server did not report one.
func (w *walk) set(name string) (v cvar.Var, known bool) {
	v, known = w.vars[name]
	return v, known
}

// mendCfg returns the remedy for a setting from a cfg file.
func (w *walk) mendCfg(line string) string {
	return fmt.Sprintf("add `%s` to the cfg lines of %s, or take the other line out of the cfg of its overlays; then %s", line, w.Name,
		w.restart())
}

func (w *walk) lan(context.Context) left4me.Check {
	const name = "sv_lan"
	v, known := w.set("sv_lan")
	switch {
	case !known:
		return nothing
	case v.On():
		return broken(name, "sv_lan is 1: it is for the local network only, Steam does not hear of it, and strangers are refused",
			w.mendCfg("sv_lan 0"))
	}
	return ok(name, "it is for the internet")
}

func (w *walk) members(context.Context) left4me.Check {
	const name = "sv_steamgroup_exclusive"
	v, known := w.set("sv_steamgroup_exclusive")
	group, _ := w.set("sv_steamgroup")
	switch {
	case !known:
		return nothing
	case v.On() && (group.Value == "" || group.Value == "0"):
		return broken(name, "only members of a Steam group may join while it is empty, and sv_steamgroup names none: nobody can",
			w.mendCfg("sv_steamgroup_exclusive 0"))
	case v.On():
		return warn(name, fmt.Sprintf("while it is empty only members of the Steam group %s may join", group.Value),
			w.mendCfg("sv_steamgroup_exclusive 0"))
	}
	return ok(name, "it is open to others than members of a Steam group")
}

func (w *walk) lobby(context.Context) left4me.Check {
	const name = "lobby"
	only, known := w.set("sv_allow_lobby_connect_only")
	switch {
	case known && only.On() && !w.statusAnswer.Reserved:
		return broken(name, "sv_allow_lobby_connect_only is 1: whoever comes by the address is refused, only a lobby can reserve it",
			w.mendCfg("sv_allow_lobby_connect_only 0"))
	case w.statusAnswer.Reserved:
		return warn(name,
			fmt.Sprintf("the lobby %s has reserved it: others join through that lobby, and by the address only while it has room",
				w.statusAnswer.ReservationID),
			"it is free again when they have left; plugins like l4dtoolz or Left4DHooks can take a reservation back")
	case !known:
		return nothing
	}
	return ok(name, "no lobby has reserved it, and it can be joined by its address")
}

func (w *walk) modes(context.Context) left4me.Check {
	const name = "sv_gametypes"
	types, known := w.set("sv_gametypes")
	mode, has := w.set("mp_gamemode")
	if !known || !has {
		return nothing
	}
	all := strings.FieldsFunc(strings.ToLower(types.Value), func(r rune) bool { return r == ',' || r == ' ' })
	if len(all) > 0 && !slices.Contains(all, strings.ToLower(mode.Value)) {
		return warn(name,
			fmt.Sprintf("lobbies may start %s here, and it plays %s: no lobby for that finds it", strings.Join(all, ", "), mode.Value),
			w.mendCfg(fmt.Sprintf(`sv_gametypes "%s,%s"`, types.Value, mode.Value)))
	}
	if key, _ := w.set("sv_search_key"); key.Value != "" {
		return warn(name, "sv_search_key is set: only lobbies with the same key find it", w.mendCfg(`sv_search_key ""`))
	}
	return ok(name, "lobbies may play %s here", mode.Value)
}

func (w *walk) password(context.Context) left4me.Check {
	const name = "password"
	if w.info.Password {
		return warn(name, "it has a password: who doesn't know it can't join, and no lobby can", w.mendCfg(`sv_password ""`))
	}
	return ok(name, "it has none")
}

func (w *walk) places(context.Context) left4me.Check {
	const name = "places"
	visible, _ := w.set("sv_visiblemaxplayers")
	switch {
	case w.info.MaxPlayers == 0:
		text := "it shows no places at all"
		if visible.Value == "0" {
			text += ": sv_visiblemaxplayers is 0"
		}
		return broken(name, text+"; games take it for full", w.mendCfg("sv_visiblemaxplayers -1"))
	case w.info.Players >= w.info.MaxPlayers:
		return warn(name, fmt.Sprintf("it is full: %d of %d play", w.info.Players, w.info.MaxPlayers),
			"wait until somebody leaves, or start another server")
	}
	return ok(name, "%d of %d are taken", w.info.Players, w.info.MaxPlayers)
}
