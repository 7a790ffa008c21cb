package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

// setting is one line of what a server is started with.
type setting struct {
	Label string
	Value string
	From  string // who says so
}

// settingsOf says what a server is started with and where each value comes
// from.
func settingsOf(own, base left4me.Settings) []setting {
	row := func(label, own, base, none string) setting {
		switch {
		case own != "":
			return setting{label, own, "this server"}
		case base != "":
			return setting{label, base, "blueprint"}
		}
		return setting{label, none, "default"}
	}
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	return []setting{
		row("Host name", own.Hostname, base.Hostname, "left4me and the server's name"),
		row("First map", own.Map, base.Map, "the game's own"),
		row("Mode", own.Mode, base.Mode, "the game's own"),
		row("Difficulty", own.Difficulty, base.Difficulty, "the game's own"),
		row("Player slots", number(own.MaxPlayers), number(base.MaxPlayers), "the game's own"),
		row("Message of the day", own.Motd, base.Motd, "none"),
		row("Arguments", strings.Join(own.Args, " "), strings.Join(base.Args, " "), "none"),
	}
}

func (p *panel) showSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "settings")
	if err != nil {
		return err
	}
	b, err := p.Content.Blueprint(r.Context(), s.Blueprint)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, serverSettingsPage(p.serverFrame(r, who, s), s, b))
}
