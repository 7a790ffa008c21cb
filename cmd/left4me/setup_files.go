package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/left4me/left4me/internal/durable"
)

// envMode is the mode of the settings file: only left4me's group may read it.
const envMode = 0o640

// settingIn returns the value of a setting in the text of a settings file. As for systemd, the last
// line is used.
func settingIn(text, name string) (found string) {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == name {
			found = strings.Trim(v, `"'`)
		}
	}
	return found
}

// withSetting returns the text of a settings file with one setting changed and all others unchanged.
func withSetting(text, name, v string) string {
	if settingIn(text, name) == v {
		return text
	}
	var kept strings.Builder
	written := false
	for line := range strings.Lines(text) {
		if k, _, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == name {
			if !written {
				kept.WriteString(name + "=" + v + "\n")
			}
			written = true
			continue
		}
		kept.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	if !written {
		kept.WriteString(name + "=" + v + "\n")
	}
	return kept.String()
}

// tmpfilesPaths returns the paths in a tmpfiles.d file.
func tmpfilesPaths(text string) (paths []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && !strings.HasPrefix(f[0], "#") {
			paths = append(paths, f[1])
		}
	}
	return paths
}

// owners returns the mode and the owner of a path as text.
func owners(path string) string {
	st, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return st.Mode().String()
	}
	return fmt.Sprint(st.Mode(), sys.Uid, sys.Gid)
}

// group returns the ID of left4me's group.
func group() (int, error) {
	g, err := user.LookupGroup("left4me")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

// sealed reports whether a file belongs to root and only left4me may read it.
func sealed(name string) (bool, error) {
	gid, err := group()
	if err != nil {
		return false, err
	}
	st, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && st.Mode() == envMode && sys.Uid == 0 && int(sys.Gid) == gid, nil
}

// writeSealed atomically replaces a file with one that only left4me may read.
func writeSealed(name, text string) error {
	gid, err := group()
	if err != nil {
		return err
	}
	return durable.WriteFile(name, []byte(text), envMode, func(f *os.File) error { return f.Chown(0, gid) })
}

// address returns the address of the panel and what users must know to reach it.
func address(s settings, hostname string) (at string, advice []string) {
	host, port, _ := net.SplitHostPort(s.listen)
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if s.publicURL != "" {
		if local && !isLocalAddress(s.publicURL, port) {
			advice = append(advice, "once a proxy on this host forwards requests to http://"+s.listen+" ("+document("install.md")+")")
		}
		return s.publicURL, advice
	}
	if local {
		return "http://" + s.listen, []string{
			"This address is only available on this host. To use it from another computer:",
			fmt.Sprintf("  ssh -L %s:%s root@%s", port, s.listen, hostname),
			"Then open http://localhost:" + port + " in a browser. Or set up a proxy (" + document("install.md") + ")",
		}
	}
	if host == "" || ip != nil && ip.IsUnspecified() {
		host = hostname
	}
	return "http://" + net.JoinHostPort(host, port), []string{
		"Browsers accept its session cookie only over https. Set up a proxy and run left4me setup",
		"--public-url https://…, or use http://… there in a trusted network.",
	}
}

// isLocalAddress reports whether an address refers to a port of this machine, so that no proxy is needed.
func isLocalAddress(address, port string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return cmp.Or(u.Port(), "80") == port && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
