package main

import "net"

// openSourceTV opens the socket of SourceTV when a map starts and tv_enable is set: on tv_port or the
// next free port. Nothing is broadcast on it.
func (s *server) openSourceTV() {
	if s.sourceTV != nil || !s.con.Bool("tv_enable") {
		return
	}
	const tries = 32
	for i := range tries {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: s.con.Int("tv_port") + i})
		if err == nil {
			s.sourceTV = conn
			return
		}
	}
}
