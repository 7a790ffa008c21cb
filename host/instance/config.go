package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/left4me/left4me"
)

// Config returns the generated files of a server by their path in its layer:
// the settings as a server.cfg that the game reads at every map, then the cfg
// of each overlay, then the raw lines, so that what is nearer to the server
// wins. rcon is the password of the remote console; it comes last, so that no
// line can lock left4me out.
func Config(spec left4me.Spec, overlayCfgs []string, rcon string) map[string]string {
	var b strings.Builder
	fmt.Fprintf(&b, "// Written by left4me for server %s at its start: changes here are lost.\n", spec.Name)
	st := spec.Settings
	cvar(&b, "hostname", st.Hostname)
	cvar(&b, "mp_gamemode", st.Mode)
	cvar(&b, "z_difficulty", st.Difficulty)
	// Without it nobody can join by address unless a lobby reserved the server.
	cvar(&b, "sv_allow_lobby_connect_only", "0")
	files := map[string]string{}
	if st.Hostname != "" {
		files["left4dead2/left4me_host.txt"] = st.Hostname + "\n"
		cvar(&b, "hostfile", "left4me_host.txt")
	}
	if st.Motd != "" {
		files["left4dead2/left4me_motd.txt"] = st.Motd + "\n"
		cvar(&b, "motdfile", "left4me_motd.txt")
	}
	for _, c := range overlayCfgs {
		fmt.Fprintf(&b, "exec %s\n", c)
	}
	for _, line := range st.Cfg {
		b.WriteString(line + "\n")
	}
	cvar(&b, "rcon_password", rcon)
	files["left4dead2/cfg/server.cfg"] = b.String()
	return files
}

// cvar writes one setting; an empty one is left to the game. The value was
// checked where it entered; here quotation marks and line ends are dropped once
// more, because the format has no way to write them and the rest of the line
// would be a command.
func cvar(b *strings.Builder, name, value string) {
	value = strings.Map(func(r rune) rune {
		if r == '"' || r < 0x20 {
			return -1
		}
		return r
	}, value)
	if value != "" {
		fmt.Fprintf(b, "%s \"%s\"\n", name, value)
	}
}

// overlayCfgs finds the cfg files that overlays bring for the server to
// execute, cfg/server_<overlay>.cfg, bottom of the stack first.
func (r Root) overlayCfgs(overlays []left4me.OverlayRef) []string {
	var cfgs []string
	for i := len(overlays) - 1; i >= 0; i-- {
		rev, err := r.revision(overlays[i])
		if err != nil {
			continue
		}
		name := "server_" + string(overlays[i].Name) + ".cfg"
		if st, err := os.Stat(filepath.Join(r.Overlay(overlays[i].Name), rev, "left4dead2", "cfg", name)); err == nil && st.Mode().IsRegular() {
			cfgs = append(cfgs, name)
		}
	}
	return cfgs
}

// Args returns the arguments of srcds for a server.
func Args(spec left4me.Spec) []string {
	st := spec.Settings
	args := []string{
		"-game", "left4dead2", "-console",
		// Without an address the remote console may listen on the wrong one.
		"-ip", "0.0.0.0",
		"-port", fmt.Sprint(spec.Port),
		"-strictportbind",
		"-norestart",
	}
	if st.MaxPlayers > 0 {
		args = append(args, "-maxplayers", fmt.Sprint(st.MaxPlayers))
	}
	args = append(args, st.Args...)
	if st.Mode != "" {
		args = append(args, "+mp_gamemode", st.Mode)
	}
	first := st.Map
	if first == "" {
		first = "c1m1_hotel"
	}
	return append(args, "+map", first)
}
