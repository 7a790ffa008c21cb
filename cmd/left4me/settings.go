package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/left4me/left4me/control/servers"
)

// settings are what the environment says. Everything else lives in the database.
type settings struct {
	root       string // LEFT4ME_ROOT
	run        string // LEFT4ME_RUN: sockets
	listen     string // LEFT4ME_LISTEN
	secretKey  string // LEFT4ME_SECRET_KEY
	supervisor string // LEFT4ME_SUPERVISOR: auto, systemd or process
	ports      servers.PortRange
	publicURL  string // LEFT4ME_PUBLIC_URL
}

const (
	defaultRoot   = "/var/lib/left4me"
	defaultRun    = "/run/left4me"
	defaultListen = "127.0.0.1:8000"
	defaultPorts  = "27015-27115"
)

// readSettings reads the environment. The error names the setting that is wrong.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		root: or(getenv("LEFT4ME_ROOT"), defaultRoot), listen: or(getenv("LEFT4ME_LISTEN"), defaultListen),
		secretKey: getenv("LEFT4ME_SECRET_KEY"), supervisor: or(getenv("LEFT4ME_SUPERVISOR"), "auto"),
		publicURL: getenv("LEFT4ME_PUBLIC_URL"),
	}
	var err error
	if s.root, err = filepath.Abs(s.root); err != nil {
		return s, fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	s.run = getenv("LEFT4ME_RUN")
	if s.run == "" {
		s.run = filepath.Join(s.root, "run")
		if s.root == defaultRoot {
			s.run = defaultRun
		}
	}
	if _, _, err := net.SplitHostPort(s.listen); err != nil {
		return s, fmt.Errorf("LEFT4ME_LISTEN: %q is not an address with a port", s.listen)
	}
	switch s.supervisor {
	case "auto", "systemd", "process":
	default:
		return s, fmt.Errorf("LEFT4ME_SUPERVISOR: %q is none of auto, systemd and process", s.supervisor)
	}
	if s.ports, err = portRange(or(getenv("LEFT4ME_PORT_RANGE"), defaultPorts)); err != nil {
		return s, fmt.Errorf("LEFT4ME_PORT_RANGE: %w", err)
	}
	return s, nil
}

func portRange(text string) (servers.PortRange, error) {
	low, high, _ := strings.Cut(text, "-")
	l, errLow := strconv.Atoi(low)
	h, errHigh := strconv.Atoi(high)
	if err := errors.Join(errLow, errHigh); err != nil || l < servers.MinPort || h > servers.MaxPort || l > h {
		return servers.PortRange{}, fmt.Errorf("%q is not a range of ports like %s", text, defaultPorts)
	}
	return servers.PortRange{Low: l, High: h}, nil
}

// secureCookies reports whether browsers come over https: everywhere but on a
// loopback address without a public one.
func (s settings) secureCookies() bool {
	if s.publicURL != "" {
		return strings.HasPrefix(s.publicURL, "https://")
	}
	host, _, _ := net.SplitHostPort(s.listen)
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

