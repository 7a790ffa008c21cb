// Package doctor checks whether servers can run on a host. It reports each problem with its remedy.
//
// Where possible, it tests the real operation and leaves no traces: it mounts an overlay as a server's
// would be, in a namespace that ends with the check, and it binds a port to see whether the port is
// free. Checks changes nothing. Fix repairs only files and directories of left4me that are safe to
// repair.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// Config selects what to check.
type Config struct {
	Root      string // LEFT4ME_ROOT
	Run       string // LEFT4ME_RUN
	Low, High int    // LEFT4ME_PORT_RANGE
	Exe       string // path of left4me; run as "Exe probe-overlay DIR" in its own namespaces
	Systemd   error  // why systemd can't be used, or nil
	Packaged  bool   // left4me was installed as a package, with its own units and users
	Env       string // path of the package's settings file
	SteamCMD  string // LEFT4ME_STEAMCMD
	SteamAPI  string // LEFT4ME_STEAM_API_URL
	Downloads string // address that SteamCMD is downloaded from

	Reader remedy.Reader // who reads the remedies
	Token  bool          // whether the reader's commands carry a token
}

// local returns an API command for the reader. Without a token, only root and left4me's own user
// may use this machine's socket.
func (cfg Config) local(command string) left4me.Remedy {
	var st unix.Stat_t
	if cfg.Token || unix.Stat(cfg.Root, &st) != nil || st.Uid == uint32(os.Geteuid()) {
		return left4me.Commands(command)
	}
	return cfg.Reader.AsRoot(command)
}

// isOwner reports whether this process runs as the package's user.
func (cfg Config) isOwner() bool { return userName(uint32(os.Geteuid())) == "left4me" }

// checkWithin is the deadline for all checks together. Checks that use the network have shorter
// deadlines.
const checkWithin = 25 * time.Second

// finding is the result of a check, with the repair if that is safe.
type finding struct {
	left4me.Check
	fix   func() error // nil: cannot be repaired automatically
	fixed string       // describes what fix does
}

// Checks runs all checks of the machine.
func Checks(ctx context.Context, cfg Config) []left4me.Check {
	all := examine(ctx, cfg)
	checks := make([]left4me.Check, len(all))
	for i, f := range all {
		checks[i] = f.Check
	}
	return checks
}

// Fix repairs what is safe to repair: left4me's own directories, their owners and modes, and the
// links to Steam's libraries. It returns what it did and what it could not do.
func Fix(ctx context.Context, cfg Config) (done []string, err error) {
	var failed []error
	for _, f := range examine(ctx, cfg) {
		if f.fix == nil {
			continue
		}
		switch err := f.fix(); {
		case errors.Is(err, fs.ErrPermission):
			failed = append(failed,
				left4me.NewError(left4me.Denied, "doctor.not_allowed", "what", f.fixed, "command",
					cfg.Reader.AsRoot("left4me doctor --fix").String()))
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", f.fixed, err))
		default:
			done = append(done, f.fixed)
		}
	}
	return done, errors.Join(failed...)
}

// examine runs all checks concurrently and returns the findings in a fixed order.
func examine(ctx context.Context, cfg Config) []finding {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	steps := []func(context.Context, Config) []finding{
		one(func(context.Context, Config) left4me.Check { return kernel() }),
		plain(tryOverlay),
		one(func(_ context.Context, cfg Config) left4me.Check { return supervisor(cfg) }),
		plain(units),
		one(func(_ context.Context, cfg Config) left4me.Check { return polkit(cfg, readText) }),
		one(func(_ context.Context, cfg Config) left4me.Check { return users(cfg) }),
		one(func(_ context.Context, cfg Config) left4me.Check { return rootDirectory(cfg) }),
		owned,
		plain(asides),
		one(func(_ context.Context, cfg Config) left4me.Check { return space(cfg.Root) }),
		one(func(context.Context, Config) left4me.Check { return openFiles() }),
		one(func(_ context.Context, cfg Config) left4me.Check { return clock(cfg.Reader) }),
		one(func(_ context.Context, cfg Config) left4me.Check { return ports(cfg) }),
		one(filter),
		one(func(_ context.Context, cfg Config) left4me.Check { return gameBuild(cfg) }),
		one(func(_ context.Context, cfg Config) left4me.Check { return programs(cfg) }),
		one(func(_ context.Context, cfg Config) left4me.Check { return archives(cfg) }),
		steamcmdAndLinks,
		plain(steam),
	}
	results := make([][]finding, len(steps))
	var group errgroup.Group
	for i, step := range steps {
		group.Go(func() error {
			results[i] = step(ctx, cfg)
			return nil
		})
	}
	_ = group.Wait() // no step returns an error: what it cannot check is a finding
	var all []finding
	for _, r := range results {
		all = append(all, r...)
	}
	return all
}

// one turns a function that returns one check into a step. plain does the same for a function that
// returns several checks. Neither kind can be repaired automatically.
func one(f func(context.Context, Config) left4me.Check) func(context.Context, Config) []finding {
	return func(ctx context.Context, cfg Config) []finding { return []finding{{Check: f(ctx, cfg)}} }
}

func plain(f func(context.Context, Config) []left4me.Check) func(context.Context, Config) []finding {
	return func(ctx context.Context, cfg Config) []finding {
		var all []finding
		for _, c := range f(ctx, cfg) {
			all = append(all, finding{Check: c})
		}
		return all
	}
}
