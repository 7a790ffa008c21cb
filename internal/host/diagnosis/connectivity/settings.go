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
		return left4me.NewCheck(left4me.CheckSkipped, name, "settings.unreadable", "reason", public)
	}
	w.statusAnswer, err = status.Parse(text)
	if err != nil || len(w.vars) == 0 {
		return left4me.NewCheck(left4me.CheckSkipped, name, "settings.unexpected")
	}
	return left4me.NewCheck(left4me.CheckOK, name, "settings.ok")
}

// set returns the server's value of a variable; known is false if the server did not report one.
func (w *walk) set(name string) (v cvar.Var, known bool) {
	v, known = w.vars[name]
	return v, known
}

func (w *walk) lan(context.Context) left4me.Check {
	const name = "sv_lan"
	v, known := w.set("sv_lan")
	switch {
	case !known:
		return nothing
	case v.On():
		return left4me.NewCheck(left4me.CheckBroken, name, "lan.on", "line", left4me.Commands("sv_lan 0"),
			"server", w.Name, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "lan.ok")
}

func (w *walk) members(context.Context) left4me.Check {
	const name = "sv_steamgroup_exclusive"
	v, known := w.set("sv_steamgroup_exclusive")
	group, _ := w.set("sv_steamgroup")
	switch {
	case !known:
		return nothing
	case v.On() && (group.Value == "" || group.Value == "0"):
		return left4me.NewCheck(left4me.CheckBroken, name, "group.nobody", "line", left4me.Commands("sv_steamgroup_exclusive 0"),
			"server", w.Name, "command", w.restart())
	case v.On():
		return left4me.NewCheck(left4me.CheckWarn, name, "group.members", "group", group.Value, "line",
			left4me.Commands("sv_steamgroup_exclusive 0"),
			"server", w.Name, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "group.ok")
}

func (w *walk) lobby(context.Context) left4me.Check {
	const name = "lobby"
	only, known := w.set("sv_allow_lobby_connect_only")
	switch {
	case known && only.On() && !w.statusAnswer.Reserved:
		return left4me.NewCheck(left4me.CheckBroken, name, "lobby.only", "line", left4me.Commands("sv_allow_lobby_connect_only 0"),
			"server", w.Name, "command", w.restart())
	case w.statusAnswer.Reserved:
		return left4me.NewCheck(left4me.CheckWarn, name, "lobby.reserved", "lobby", w.statusAnswer.ReservationID)
	case !known:
		return nothing
	}
	return left4me.NewCheck(left4me.CheckOK, name, "lobby.ok")
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
		return left4me.NewCheck(left4me.CheckWarn, name, "modes.mismatch", "modes", strings.Join(all, ", "), "mode", mode.Value,
			"line", left4me.Commands(fmt.Sprintf(`sv_gametypes "%s,%s"`, types.Value, mode.Value)),
			"server", w.Name, "command", w.restart())
	}
	if key, _ := w.set("sv_search_key"); key.Value != "" {
		return left4me.NewCheck(left4me.CheckWarn, name, "modes.search_key", "line", left4me.Commands(`sv_search_key ""`),
			"server", w.Name, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "modes.ok", "mode", mode.Value)
}

func (w *walk) password(context.Context) left4me.Check {
	const name = "password"
	if w.info.Password {
		return left4me.NewCheck(left4me.CheckWarn, name, "password.set", "line", left4me.Commands(`sv_password ""`),
			"server", w.Name, "command", w.restart())
	}
	return left4me.NewCheck(left4me.CheckOK, name, "password.ok")
}

func (w *walk) places(context.Context) left4me.Check {
	const name = "places"
	visible, _ := w.set("sv_visiblemaxplayers")
	switch {
	case w.info.MaxPlayers == 0:
		var setting any // nil: not the reason
		if visible.Value == "0" {
			setting = "sv_visiblemaxplayers"
		}
		return left4me.NewCheck(left4me.CheckBroken, name, "slots.none", "setting", setting, "line",
			left4me.Commands("sv_visiblemaxplayers -1"),
			"server", w.Name, "command", w.restart())
	case w.info.Players >= w.info.MaxPlayers:
		return left4me.NewCheck(left4me.CheckWarn, name, "slots.full", "players", w.info.Players, "slots", w.info.MaxPlayers)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "slots.ok", "players", w.info.Players, "slots", w.info.MaxPlayers)
}
