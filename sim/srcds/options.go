package main

import (
	"strconv"
	"strings"
	"time"
)

// options are the command-line options of the server.
type options struct {
	game       string // -game
	ip         string // -ip, empty if not given
	port       int
	maxPlayers int
	insecure   bool
	noMaster   bool
	conDebug   bool
	commands   []startCommand // +name words…
	sim        simOptions
}

type startCommand struct {
	name  string
	words []string
}

// simOptions are the options of the simulation.
type simOptions struct {
	seed        uint64        // SIM_SEED; the port if not set, so servers differ
	hasSeed     bool          //
	players     int           // SIM_PLAYERS: average number of players; 0 for none
	tempo       float64       // SIM_TEMPO: speed factor of the players
	mapLoad     time.Duration // SIM_MAP_LOAD: load time of a map
	smallRules  bool          // SIM_RULES=small: the rules fit into one datagram
	queryLimit  bool          // SIM_QUERY_LIMIT=1: enforce sv_max_queries_*
	logLoopback bool          // SIM_LOG_LOOPBACK=1: allow log targets in 127/8
	faults      faults
}

// parseOptions parses the command line as the engine does. Unknown options are ignored.
func parseOptions(args []string, env func(string) string) options {
	o := options{game: "left4dead2", port: 27015, maxPlayers: 18, sim: parseSim(env)}
	for i := 0; i < len(args); i++ {
		var words []string
		for i+1+len(words) < len(args) && isValue(args[i+1+len(words)]) {
			words = append(words, args[i+1+len(words)])
		}
		arg := args[i]
		i += len(words)
		if name, ok := strings.CutPrefix(arg, "+"); ok {
			o.commands = append(o.commands, startCommand{name, words})
			continue
		}
		value := ""
		if len(words) > 0 {
			value = words[0]
		}
		switch arg {
		case "-game":
			o.game = value
		case "-ip":
			o.ip = value
		case "-port":
			o.port = number(value, o.port)
		case "-maxplayers":
			o.maxPlayers = number(value, o.maxPlayers)
		case "-insecure":
			o.insecure = true
		case "-nomaster":
			o.noMaster = true
		case "-condebug":
			o.conDebug = true
		}
	}
	return o
}

// isValue reports whether an argument is a value of the one before it. Numbers may be negative.
func isValue(arg string) bool {
	if strings.HasPrefix(arg, "-") {
		_, err := strconv.ParseFloat(arg, 64)
		return err == nil
	}
	return !strings.HasPrefix(arg, "+")
}

func parseSim(env func(string) string) simOptions {
	o := simOptions{
		players:     number(env("SIM_PLAYERS"), 3),
		tempo:       1,
		mapLoad:     duration(env("SIM_MAP_LOAD"), time.Second),
		smallRules:  env("SIM_RULES") == "small",
		queryLimit:  env("SIM_QUERY_LIMIT") == "1",
		logLoopback: env("SIM_LOG_LOOPBACK") == "1",
		faults:      parseFaults(env),
	}
	if seed, err := strconv.ParseUint(env("SIM_SEED"), 10, 64); err == nil {
		o.seed, o.hasSeed = seed, true
	}
	if t, err := strconv.ParseFloat(env("SIM_TEMPO"), 64); err == nil && t > 0 {
		o.tempo = t
	}
	return o
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

// duration parses "300ms", or "5" for seconds.
func duration(s string, otherwise time.Duration) time.Duration {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 0 {
		return time.Duration(n * float64(time.Second))
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d
	}
	return otherwise
}
