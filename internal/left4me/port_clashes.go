package left4me

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// SourceTVPort is the default port of the game's SourceTV.
const SourceTVPort = 27020

// PortUse is a port that a server opens in addition to the port that players join.
type PortUse struct {
	Server Name
	What   string // SourceTV, or the argument that opens the port
	Wanted int    // configured port
	Port   int    // expected port: SourceTV takes the next free one if the configured port is in use
}

// MorePorts returns the ports that a server opens in addition to its own, as far as its arguments
// and cfg lines show. SourceTV is enabled by tv_enable unless -nohltv is set. The lines of
// server.cfg override the arguments, because they are executed later.
func (s Spec) MorePorts() []PortUse {
	var all []PortUse
	vars := map[string]string{}
	words := strings.Fields(strings.ReplaceAll(strings.Join(s.Settings.Args, " "), `"`, " "))
	off := false
	for i, w := range words {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch name := strings.ToLower(w); {
		case name == "-nohltv":
			off = true
		case name == "-netconport":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				all = append(all, PortUse{Server: s.Name, What: "-netconport", Wanted: n, Port: n})
			}
		case strings.HasPrefix(name, "+tv_"):
			vars[name[1:]] = value
		}
	}
	for _, o := range slices.Backward(s.Overlays) {
		readTV(vars, s.OverlayCfg[o.Name])
	}
	readTV(vars, s.BlueprintCfg)
	readTV(vars, s.Settings.Cfg)
	if on, _ := strconv.Atoi(vars["tv_enable"]); on == 0 || off {
		return all
	}
	port, err := strconv.Atoi(vars["tv_port"])
	if err != nil || port < 1 || port > 65535 {
		port = SourceTVPort
	}
	return append(all, PortUse{Server: s.Name, What: "SourceTV", Wanted: port, Port: port})
}

// readTV stores the SourceTV variables that cfg lines set in vars.
func readTV(vars map[string]string, lines []string) {
	for _, l := range lines {
		for _, words := range CfgWords(l) {
			if strings.EqualFold(words[0], "sm_cvar") { // SourceMod's command to set a variable
				words = words[1:]
			}
			if len(words) > 1 && len(words[0]) > 3 && strings.EqualFold(words[0][:3], "tv_") {
				vars[strings.ToLower(words[0])] = words[1]
			}
		}
	}
}

// PlanPorts predicts the additional ports of all servers of a host. SourceTV takes the next port if
// the SourceTV of another server or its own game uses one. The start order of the servers is
// unknown, so PlanPorts assumes alphabetical order.
func PlanPorts(servers []Spec) []PortUse {
	var all []PortUse
	own := map[Name]int{}
	for _, s := range servers {
		own[s.Name] = s.Port
		all = append(all, s.MorePorts()...)
	}
	slices.SortStableFunc(all, func(a, b PortUse) int {
		return cmp.Or(cmp.Compare(a.Wanted, b.Wanted), cmp.Compare(a.Server, b.Server))
	})
	taken := map[int]bool{}
	for i, u := range all {
		if u.What == "SourceTV" {
			for taken[u.Port] || u.Port == own[u.Server] {
				u.Port++
			}
		}
		taken[u.Port] = true
		all[i] = u
	}
	return all
}

// PortClash is a game port of one server that another server would open as an additional port.
type PortClash struct {
	Server Name // server that uses this port for the game
	Use    PortUse
}

// PortClashes returns the clashes among the servers of a host.
func PortClashes(servers []Spec) []PortClash {
	var all []PortClash
	for _, u := range PlanPorts(servers) {
		for _, s := range servers {
			if s.Port == u.Port && (s.Name != u.Server || u.What != "SourceTV") {
				all = append(all, PortClash{Server: s.Name, Use: u})
			}
		}
	}
	return all
}

// Refused returns the clash as an error for a change of the server named changed, or of another
// object if changed is empty. lines is the field of the request that contains the lines for
// server.cfg.
func (c PortClash) Refused(changed Name, lines string) *Error {
	var from any // the configured port, from which SourceTV counts up
	if c.Use.Port != c.Use.Wanted {
		from = c.Use.Wanted
	}
	if changed == c.Server && changed != c.Use.Server {
		return NewError(Conflict, "port.used_by_part", "port", c.Use.Port, "what", c.Use.What, "server", c.Use.Server, "from", from).
			InField("port")
	}
	return NewError(Conflict, "port.would_be_taken", "what", c.Use.What, "server", c.Use.Server, "port", c.Use.Port, "from", from,
		"other", c.Server).InField(lines)
}
