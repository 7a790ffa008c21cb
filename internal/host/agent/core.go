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

// Config holds the settings of an agent: its host, its directories, and its connections.
type Config struct {
	Host    left4me.Name
	Files   instance.Files
	Sockets string // directory of the shims' sockets
	Version string
	BootID  string // the kernel's id of the current boot; empty if unknown
	// Settings is the directory of the *.env files that backups include; empty if there is none.
	Settings  string
	Steam     SteamConfig
	Downloads download.Options // limits for all downloads of overlay content
	GitHub    string           // LEFT4ME_GITHUB_API_URL: address of the releases API; empty: GitHub

	// Decoder is the command line of a process that calls archive.Decode; if empty, archives are
	// decoded in this process.
	Decoder []string

	// Relieve frees the emergency disk reserve and reports whether it freed any space. It may be
	// nil.
	Relieve func() bool

	Doctor        func(context.Context) []left4me.Check // examines this machine
	PublicAddress string                                // address that players connect to; empty: detect it
}

// SteamConfig configures access to SteamCMD and to the Steam Web API. Every field may be empty.
type SteamConfig struct {
	Tool string // LEFT4ME_STEAMCMD: path of steamcmd.sh
	URL  string // LEFT4ME_STEAMCMD_URL: download address of SteamCMD
	Home string // home directory of left4me's user, for links to Steam's libraries
	API  string // LEFT4ME_STEAM_API_URL: address of the Steam Web API
}

// core holds what all parts of an agent share.
type core struct {
	Config
	machine Machine
	bus     *bus.Bus
	log     *slog.Logger
	group   *errgroup.Group // group of Agent.Run
	ctx     context.Context // context of Agent.Run; for work that outlives a job
}

// Supervisor starts and stops the shims of a host. Its methods may be called concurrently for
// different servers.
type Supervisor interface {
	// Start launches the shim of a server. It returns once the shim runs and its layers are
	// mounted, before the server is ready. It succeeds if the server is already up. After an error,
	// either the attempt leaves no process and no mount, or State reports the server as up.
	Start(ctx context.Context, name left4me.Name) error
	// Stop runs the stop sequence and returns once the server has ended and its layers are
	// unmounted. It succeeds if the server is not up. A server that was never ready ends within
	// cancelWithin; it is killed if necessary.
	Stop(ctx context.Context, name left4me.Name) error
	// State returns the state that the supervisor sees, and the reason if that is Failed.
	State(ctx context.Context, name left4me.Name) (left4me.ServerState, *left4me.Error, error)
	// GaveUp reports whether a failed server ended so often that it is not restarted.
	GaveUp(ctx context.Context, name left4me.Name) (bool, error)
	// List returns the servers that are up.
	List(ctx context.Context) ([]left4me.Name, error)
	// Empty removes the contents of the runtime directory of a server that is down, except what the
	// user of the games may not remove. It fails with left4me.Busy if the server is up.
	Empty(ctx context.Context, name left4me.Name) error
	// Discard removes the given paths from the writable layer of a server that is down. It fails
	// with left4me.Busy if the server is up.
	Discard(ctx context.Context, name left4me.Name, paths []string) error
}

// Installer runs `left4me install-game`, a process that outlives the agent.
type Installer interface {
	// StartInstall starts the process. It succeeds if the process already runs.
	StartInstall(ctx context.Context) error
	// Installing reports whether the process still runs or its layers are still mounted. Once
	// neither is the case, why explains a failure that the process could not report itself.
	Installing(ctx context.Context) (runs bool, why *left4me.Error, err error)
	// StopInstall kills the process and all its children within 5 s.
	StopInstall(ctx context.Context) error
}

// Machine runs the processes of a host: servers, the installer and overlay scripts.
type Machine interface {
	Supervisor
	Installer
	script.Machine
}

// newProgress returns the progress of a job, which publishes every change on the bus.
func newProgress(ctx context.Context, c *core, id left4me.JobID) *job.Progress {
	return job.New(ctx, id, c.Host, c.bus, c.log)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
