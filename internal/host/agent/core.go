package agent

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// Config says which host an agent speaks for and where its files are.
type Config struct {
	Host    left4me.Name
	Files   instance.Files
	Sockets string // directory of the shims' sockets
	Version string
	BootID  string // of this boot of the machine; empty when it isn't known
	// Settings is the directory of the *.env files that backups keep; empty when
	// there is none.
	Settings  string
	Steam     SteamConfig
	Downloads download.Options // of everything that overlays are made of
	GitHub    string           // LEFT4ME_GITHUB_API_URL: where releases are looked for; empty: GitHub

	// Decoder is the command line of a process that calls archive.Decode; empty:
	// archives are read in this one.
	Decoder []string

	// Relieve gives back space when a disk is full and reports whether it did; nil:
	// nothing does.
	Relieve func() bool

	Doctor        func(context.Context) []left4me.Check // checks this machine
	PublicAddress string                                // under which players come; empty: it is found out
}

// SteamConfig says how the game comes from Steam. All of it may be empty.
type SteamConfig struct {
	Tool string // LEFT4ME_STEAMCMD: path of steamcmd.sh
	URL  string // LEFT4ME_STEAMCMD_URL: where SteamCMD is fetched from
	Home string // HOME of our own user, for links to Steam's libraries
	API  string // LEFT4ME_STEAM_API_URL: where Steam is asked which version it requires
}

// core is what all parts of an agent share.
type core struct {
	Config
	machine Machine
	bus     *bus.Bus
	log     *slog.Logger
	group   *errgroup.Group // of Run
	ctx     context.Context // of Run: what outlives a job hangs on it
}

// Supervisor starts and stops the shims of a host. Methods may be called
// concurrently for different servers.
type Supervisor interface {
	// Start launches a server; one that is up already is success. It returns
	// when the shim was launched and its layers are mounted, before the server is
	// ready. With an error nothing is left of what it began, or State says that the
	// server is up.
	Start(ctx context.Context, name left4me.Name) error
	// Stop runs the stop sequence and returns when the server has ended and
	// nothing is mounted for it. One that is not up is success. One that was never
	// ready ends within cancelWithin, by force if need be.
	Stop(ctx context.Context, name left4me.Name) error
	// State is the server as the supervisor sees it, and why when it failed.
	State(ctx context.Context, name left4me.Name) (left4me.ServerState, *left4me.Error, error)
	// GaveUp reports whether a server that failed crashed or ended so often that
	// it is not started again.
	GaveUp(ctx context.Context, name left4me.Name) (bool, error)
	// List returns every server that has something alive.
	List(ctx context.Context) ([]left4me.Name, error)
	// Empty removes what a server that is down has in its runtime directory, as far
	// as the user of the games may. Errors: left4me.Busy when it is up.
	Empty(ctx context.Context, name left4me.Name) error
	// Discard drops what a server that is down wrote at some paths. Errors:
	// left4me.Busy when it is up.
	Discard(ctx context.Context, name left4me.Name, paths []string) error
}

// Installer runs `left4me install-game`, which outlives the agent.
type Installer interface {
	// StartInstall starts it; one that runs already is success.
	StartInstall(ctx context.Context) error
	// Installing reports whether it runs. When it doesn't, its mount is gone, and
	// why says how it failed, if it could say so itself to nobody else.
	Installing(ctx context.Context) (runs bool, why *left4me.Error, err error)
	// StopInstall ends it with all that it started, within 5 s.
	StopInstall(ctx context.Context) error
}

// Machine is what runs things on a host.
type Machine interface {
	Supervisor
	Installer
	script.Machine
}

// newProgress is the progress of a job, which is told as it changes.
func newProgress(ctx context.Context, c *core, id left4me.JobID) *job.Progress {
	return job.New(ctx, id, c.Host, c.bus, c.log)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
