// Package doctor looks at a machine and says whether servers can run on it, what
// is in the way and what mends it.
//
// It tries rather than guesses, where that leaves nothing behind: an overlay is
// mounted as a server's would be, in a namespace that ends with the try, and a
// port is bound to see that it is free. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// State is how something is.
type State string

// The states. What is broken keeps servers from running; a warning does not.
const (
	OK     State = "ok"
	Warn   State = "warn"
	Broken State = "broken"
)

// Check is one finding.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Text  string `json:"text"`           // what was found
	Mend  string `json:"mend,omitempty"` // what to do about it
}

func ok(name, format string, args ...any) Check {
	return Check{Name: name, State: OK, Text: fmt.Sprintf(format, args...)}
}

// Config says what to look at.
type Config struct {
	Root      string // LEFT4ME_ROOT
	Low, High int    // LEFT4ME_PORT_RANGE
	Exe       string // of left4me: run as "Exe probe-overlay DIR" in namespaces of its own
	Systemd   error  // why systemd can't be used, or nil
}

// lookWithin bounds the try of a mount, which asks another process.
const lookWithin = 20 * time.Second

// Look makes all checks of the machine.
func Look(ctx context.Context, cfg Config) []Check {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	checks := []Check{kernel(), supervisor(cfg.Systemd)}
	checks = append(checks, tryOverlay(ctx, cfg)...)
	checks = append(checks, rootDirectory(cfg.Root), space(cfg.Root), game(filepath.Join(cfg.Root, "installation")), loader())
	return append(checks, ports(cfg.Low, cfg.High))
}

// Healthy reports whether nothing is broken.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.State == Broken {
			return false
		}
	}
	return true
}
