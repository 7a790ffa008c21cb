package main

import (
	"strconv"
	"strings"
	"time"
)

// options are what the server was started with.
type options struct {
	game       string // -game
	ip         string // -ip, empty if it isn't given
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

// simOptions are what isn't of the game.
type simOptions struct {
	seed        uint64        // SIM_SEED, else it is the port: servers beside each other differ
	hasSeed     bool          //
	players     int           // SIM_PLAYERS: how many people there are over time; 0 is nobody
	tempo       float64       // SIM_TEMPO: 2 is twice as fast
	mapLoad     time.Duration // SIM_MAP_LOAD: how long a map takes to load
	smallRules  bool          // SIM_RULES=small: the rules fit into one datagram
	queryLimit  bool          // SIM_QUERY_LIMIT=1: sv_max_queries_* are obeyed
	logLoopback bool          // SIM_LOG_LOOPBACK=1: the log may go to 127/8
	faults      faults
}

// parseOptions reads the command line as the engine does: unknown options are no error.
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

// isValue says whether an argument belongs to the one before it. A number may be negative.
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

// duration reads "300ms" and, in seconds, "5".
func duration(s string, otherwise time.Duration) time.Duration {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 0 {
		return time.Duration(n * float64(time.Second))
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d
	}
	return otherwise
}
