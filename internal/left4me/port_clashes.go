package left4me

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// SourceTVPort is where the game's SourceTV listens when nobody says otherwise.
const SourceTVPort = 27020

// PortUse is a port that a server opens beside the one that players join.
type PortUse struct {
	Server Name
	What   string // SourceTV, or the argument that opens it
	Wanted int    // as it is set
	Port   int    // where it goes: SourceTV takes the next one when others have its own
}

// MorePorts returns the ports that a server opens beside its own, as far as its
// arguments and lines say. SourceTV is on with tv_enable and without -nohltv; the
// lines of server.cfg count more than the arguments, since they come later.
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

// readTV takes what lines of a cfg file set of SourceTV.
func readTV(vars map[string]string, lines []string) {
	for _, l := range lines {
		for _, words := range CfgWords(l) {
			if strings.EqualFold(words[0], "sm_cvar") { // SourceMod's way to set one
				words = words[1:]
			}
			if len(words) > 1 && len(words[0]) > 3 && strings.EqualFold(words[0][:3], "tv_") {
				vars[strings.ToLower(words[0])] = words[1]
			}
		}
	}
}

// PlanPorts says where the servers of a host open ports beside their own. SourceTV
// takes the next port when that of another server or its own game has it; which
// server comes first isn't known before they start, so it is by name.
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

// PortClash is a port that the game of one server has and another server would
// open too.
type PortClash struct {
	Server Name // whose game has it
	Use    PortUse
}

// PortClashes finds them among the servers of a host.
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

// Refused is the clash for somebody who changes a server, or something else when
// changed is empty. lines is the field of the request with lines for server.cfg.
func (c PortClash) Refused(changed Name, lines string) *Error {
	var from any // what it counts up from
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
