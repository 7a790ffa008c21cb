package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/release"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
)

// settings are read from the environment. All other settings are in the database.
type settings struct {
	root       string // LEFT4ME_ROOT
	run        string // LEFT4ME_RUN: directory of the sockets
	listen     string // LEFT4ME_LISTEN
	secretKey  string // LEFT4ME_SECRET_KEY
	keyFile    string // LEFT4ME_SECRET_KEY_FILE
	supervisor string // LEFT4ME_SUPERVISOR: auto, systemd or process
	reserve    int64  // LEFT4ME_RESERVE: bytes per file system
	ports      servers.PortRange
	publicURL  string // LEFT4ME_PUBLIC_URL

	publicAddress string           // LEFT4ME_PUBLIC_ADDRESS: of the game servers; detected if empty
	steamAPI      string           // LEFT4ME_STEAM_API_URL
	githubAPI     string           // LEFT4ME_GITHUB_API_URL
	steamcmd      string           // LEFT4ME_STEAMCMD
	steamcmdURL   string           // LEFT4ME_STEAMCMD_URL
	downloads     download.Options // LEFT4ME_DOWNLOAD_ALLOW, LEFT4ME_DOWNLOAD_RATE
	envFile       string           // environment file of the package
	reader        remedy.Reader    // reader of doctor's hints
	token         bool             // commands of that reader use a token
	configDir     string           // LEFT4ME_CONFIG_DIR: directory of the *.env files to back up; empty if none

	ended func() // for tests: called after all parts have ended, before the bus and the store are closed
}

const (
	defaultRoot     = "/var/lib/left4me"
	defaultRun      = "/run/left4me"
	defaultListen   = "127.0.0.1:8000"
	defaultPorts    = "27015-27115"
	defaultSteamAPI = "https://api.steampowered.com"
	defaultSteamCMD = "https://steamcdn-a.akamaihd.net/client/installer/steamcmd_linux.tar.gz"
	defaultConfig   = "/etc/left4me" // the systemd unit reads it
	packagedEnv     = defaultConfig + "/left4me.env"
)

// setting is a setting that is also a flag of serve and doctor. The secret key has a file instead,
// because every user of a machine can read the arguments of a process.
type setting struct{ env, flag, usage string }

var flagSettings = []setting{
	{"LEFT4ME_ROOT", "root", "directory of all data (default " + defaultRoot + ")"},
	{"LEFT4ME_RUN", "run", "directory of the sockets (default " + defaultRun + ", or run/ in another root)"},
	{"LEFT4ME_LISTEN", "listen", "address on which the panel and the API listen (default " + defaultListen + ")"},
	{"LEFT4ME_PUBLIC_URL", "public-url", "URL of the panel for browsers, if a proxy provides it"},
	{"LEFT4ME_PORT_RANGE", "port-range", "ports for game servers (default " + defaultPorts + ")"},
	{"LEFT4ME_PUBLIC_ADDRESS", "public-address", "address that players connect to (default: detected)"},
	{
		"LEFT4ME_DOWNLOAD_ALLOW", "download-allow",
		"addresses HOST:PORT,… on this host or its network that downloads may access (default: internet only)",
	},
	{"LEFT4ME_DOWNLOAD_RATE", "download-rate", "rate limit for all downloads together, such as 10M for 10 million bytes per second"},
	{"LEFT4ME_SUPERVISOR", "supervisor", "supervisor of the game servers: auto, systemd or process (default auto)"},
	{
		"LEFT4ME_RESERVE", "reserve",
		"emergency reserve on each file system, such as 64M for 64 MiB; 0 for none (default 64M, at most a sixteenth of the file system)",
	},
	{
		"LEFT4ME_CONFIG_DIR", "config-dir",
		"directory of the *.env files to include in backups (default " + defaultConfig + "; with another root: none)",
	},
	{"LEFT4ME_SECRET_KEY_FILE", "secret-key-file", "file with the secret key, instead of LEFT4ME_SECRET_KEY"},
}

// addSettings adds the settings to a command as flags and returns the environment overridden by the
// flags.
func addSettings(c *cobra.Command) (getenv func(string) string) {
	given := map[string]*string{}
	for _, s := range flagSettings {
		given[s.env] = c.Flags().String(s.flag, "", s.usage+"; "+s.env)
	}
	return func(env string) string {
		if v := given[env]; v != nil && *v != "" {
			return *v
		}
		return os.Getenv(env)
	}
}

// fromFile returns the environment with the lines NAME=VALUE of a file as defaults, as systemd reads
// them for serve. A missing or unreadable file adds nothing.
func fromFile(getenv func(string) string, file string) func(string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return getenv
	}
	return func(name string) string { return cmp.Or(getenv(name), settingIn(string(b), name)) }
}

// readSettings reads the environment. Errors name the invalid setting.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		listen:    cmp.Or(getenv("LEFT4ME_LISTEN"), defaultListen),
		secretKey: getenv("LEFT4ME_SECRET_KEY"), supervisor: cmp.Or(getenv("LEFT4ME_SUPERVISOR"), "auto"),
		publicURL: getenv("LEFT4ME_PUBLIC_URL"), publicAddress: getenv("LEFT4ME_PUBLIC_ADDRESS"),
		steamAPI: cmp.Or(getenv("LEFT4ME_STEAM_API_URL"), defaultSteamAPI), steamcmd: getenv("LEFT4ME_STEAMCMD"),
		steamcmdURL: cmp.Or(getenv("LEFT4ME_STEAMCMD_URL"), defaultSteamCMD), envFile: packagedEnv,
		githubAPI: cmp.Or(getenv("LEFT4ME_GITHUB_API_URL"), release.API),
	}
	var err error
	if s.root, s.run, err = directories(getenv); err != nil {
		return s, err
	}
	s.configDir = getenv("LEFT4ME_CONFIG_DIR")
	if s.configDir == "" && s.root == defaultRoot {
		s.configDir = defaultConfig
	}
	if s.keyFile = getenv("LEFT4ME_SECRET_KEY_FILE"); s.keyFile != "" {
		b, err := os.ReadFile(s.keyFile)
		if err != nil {
			return s, fmt.Errorf("LEFT4ME_SECRET_KEY_FILE: %w", err)
		}
		s.secretKey = strings.TrimSpace(string(b))
	}
	if _, _, err := net.SplitHostPort(s.listen); err != nil {
		return s, fmt.Errorf("LEFT4ME_LISTEN: %q is not an address with a port", s.listen)
	}
	switch s.supervisor {
	case "auto", "systemd", "process":
	default:
		return s, fmt.Errorf("LEFT4ME_SUPERVISOR: %q is not auto, systemd or process", s.supervisor)
	}
	if u, err := url.Parse(s.publicURL); s.publicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return s, fmt.Errorf("LEFT4ME_PUBLIC_URL: %q is not a URL such as https://panel.example.org", s.publicURL)
	}
	if a := s.publicAddress; a != "" && strings.ContainsAny(a, ":/ ") && net.ParseIP(a) == nil {
		return s, fmt.Errorf("LEFT4ME_PUBLIC_ADDRESS: %q is not an address without a port, such as 203.0.113.9 or play.example.org", a)
	}
	if u, err := url.Parse(s.steamAPI); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s, fmt.Errorf("LEFT4ME_STEAM_API_URL: %q is not a URL such as %s", s.steamAPI, defaultSteamAPI)
	}
	if u, err := url.Parse(s.githubAPI); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s, fmt.Errorf("LEFT4ME_GITHUB_API_URL: %q is not a URL such as %s", s.githubAPI, release.API)
	}
	if s.reserve, err = mebibytes(cmp.Or(getenv("LEFT4ME_RESERVE"), "64M")); err != nil {
		return s, fmt.Errorf("LEFT4ME_RESERVE: %w", err)
	}
	if s.downloads, err = downloads(getenv); err != nil {
		return s, err
	}
	if s.ports, err = portRange(cmp.Or(getenv("LEFT4ME_PORT_RANGE"), defaultPorts)); err != nil {
		return s, fmt.Errorf("LEFT4ME_PORT_RANGE: %w", err)
	}
	return s, nil
}

// directories returns the root directory and the directory of the sockets.
func directories(getenv func(string) string) (root, run string, err error) {
	if root, err = filepath.Abs(cmp.Or(getenv("LEFT4ME_ROOT"), defaultRoot)); err != nil {
		return "", "", fmt.Errorf("LEFT4ME_ROOT: %w", err)
	}
	run = getenv("LEFT4ME_RUN")
	switch {
	case run == "" && root == defaultRoot:
		return root, defaultRun, nil
	case run == "":
		return root, filepath.Join(root, "run"), nil
	}
	if run, err = filepath.Abs(run); err != nil {
		return "", "", fmt.Errorf("LEFT4ME_RUN: %w", err)
	}
	return root, run, nil
}

// downloads returns the allowed addresses and the rate limit of overlay downloads.
func downloads(getenv func(string) string) (o download.Options, err error) {
	o.Allow = strings.FieldsFunc(getenv("LEFT4ME_DOWNLOAD_ALLOW"), func(r rune) bool { return r == ',' || r == ' ' })
	if _, err := download.ParseAllow(o.Allow); err != nil {
		return o, fmt.Errorf("LEFT4ME_DOWNLOAD_ALLOW: %w", err)
	}
	if rate := getenv("LEFT4ME_DOWNLOAD_RATE"); rate != "" {
		n, unit, _ := strings.Cut(rate, "M")
		o.Rate, err = strconv.ParseInt(n, 10, 64)
		if err != nil || unit != "" || !strings.HasSuffix(rate, "M") || o.Rate < 1 || o.Rate > 1_000_000 {
			return o, fmt.Errorf("LEFT4ME_DOWNLOAD_RATE: %q is not a rate such as 10M, for 10 million bytes per second", rate)
		}
		o.Rate *= 1_000_000
	}
	return o, nil
}

// mebibytes parses a size such as 64M; 0 needs no unit.
func mebibytes(text string) (int64, error) {
	if text == "0" {
		return 0, nil
	}
	digits, ok := strings.CutSuffix(text, "M")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 1 || n > 1<<20 {
		return 0, fmt.Errorf("%q is neither 0 nor a size such as 64M, for 64 MiB", text)
	}
	return n << 20, nil
}

func portRange(text string) (servers.PortRange, error) {
	low, high, _ := strings.Cut(text, "-")
	l, errLow := strconv.Atoi(low)
	h, errHigh := strconv.Atoi(high)
	if err := errors.Join(errLow, errHigh); err != nil || l < servers.MinPort || h > servers.MaxPort || l > h {
		return servers.PortRange{}, fmt.Errorf("%q is not a port range such as %s", text, defaultPorts)
	}
	return servers.PortRange{Low: l, High: h}, nil
}

// https reports whether the public URL of the panel uses HTTPS.
func (s settings) https() bool {
	u, err := url.Parse(s.publicURL)
	return err == nil && u.Scheme == "https"
}

// secureCookies reports whether browsers use HTTPS: always, except on a loopback address without a
// public URL.
func (s settings) secureCookies() bool {
	if s.publicURL != "" {
		return s.https()
	}
	host, _, _ := net.SplitHostPort(s.listen)
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}
