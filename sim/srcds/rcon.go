package main

import (
	"net/netip"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/remote"
)

func (s *server) serveRCON() {
	if s.rcon != nil {
		go remote.Serve(s.rcon, (*rconEngine)(s))
	}
}

// rconEngine is the server as the remote console uses it, from other goroutines. Each call waits for
// the engine.
type rconEngine server

// Settings implements [remote.Engine].
func (e *rconEngine) Settings() (settings remote.Settings) {
	s := (*server)(e)
	s.do(func() {
		settings = remote.Settings{
			Password: s.con.String("rcon_password"), Generation: s.passwordChanges,
			Policy: remote.Policy{
				MinFailures: s.con.Int("sv_rcon_minfailures"),
				MaxFailures: s.con.Int("sv_rcon_maxfailures"),
				Window:      time.Duration(s.con.Int("sv_rcon_minfailuretime")) * time.Second,
				Penalty:     time.Duration(s.con.Int("sv_rcon_banpenalty")) * time.Minute,
			},
		}
	})
	return settings
}

// Exec implements [remote.Engine].
func (e *rconEngine) Exec(from netip.AddrPort, command string) (answer string) {
	s := (*server)(e)
	s.do(func() {
		if s.con.Bool("sv_rcon_log") {
			s.log.Line(`rcon from "%s": command "%s"`, from, command)
		}
		var out strings.Builder
		s.capture = &out
		defer func() { s.capture = nil }()
		for line := range strings.Lines(command) {
			s.con.Run(strings.TrimSpace(line))
		}
		answer = out.String()
	})
	return answer
}

// Refused implements [remote.Engine].
func (e *rconEngine) Refused(from netip.AddrPort) {
	s := (*server)(e)
	s.do(func() { s.log.Line(`rcon from "%s": Bad Password`, from) })
}

// Banned implements [remote.Engine].
func (e *rconEngine) Banned(from netip.Addr) {
	s := (*server)(e)
	s.do(func() { s.printf("Banning %s for rcon hacking attempts\n", from) })
}
