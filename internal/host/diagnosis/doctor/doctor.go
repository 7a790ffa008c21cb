// Package doctor checks a machine and says whether servers can run on it, what
// is in the way and what mends it.
//
// It tries rather than guesses, where that leaves nothing behind: an overlay is
// mounted as a server's would be, in a namespace that ends with the try, and a
// port is bound to see that it is free. Checks changes nothing; Fix mends what is
// left4me's own and safe to mend, and nothing else.
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

// Config says what to check.
type Config struct {
	Root      string // LEFT4ME_ROOT
	Run       string // LEFT4ME_RUN
	Low, High int    // LEFT4ME_PORT_RANGE
	Exe       string // of left4me: run as "Exe probe-overlay DIR" in namespaces of its own
	Systemd   error  // why systemd can't be used, or nil
	Packaged  bool   // left4me was installed as a package, with units and users of its own
	Env       string // the file with the settings, of a package
	SteamCMD  string // LEFT4ME_STEAMCMD
	SteamAPI  string // LEFT4ME_STEAM_API_URL
	Downloads string // from where SteamCMD is fetched

	Reader remedy.Reader // who reads what mends a finding
	Token  bool          // the reader's commands carry a token
}

// local words a command over the API for the reader: without a token only root
// and left4me's own user may use the socket of this machine.
func (cfg Config) local(command string) string {
	var st unix.Stat_t
	if cfg.Token || unix.Stat(cfg.Root, &st) != nil || st.Uid == uint32(os.Geteuid()) {
		return "`" + command + "`"
	}
	return cfg.Reader.AsRoot(command)
}

// isOwner reports whether this process runs as the user of the package.
func (cfg Config) isOwner() bool { return userName(uint32(os.Geteuid())) == "left4me" }

// checkWithin bounds everything together; what asks others has shorter
// deadlines.
const checkWithin = 25 * time.Second

// finding is a check and, where it is safe, how to mend it.
type finding struct {
	left4me.Check
	fix   func() error // nil: a person has to
	fixed string       // what fix does
}

// Checks makes all checks of the machine.
func Checks(ctx context.Context, cfg Config) []left4me.Check {
	all := examine(ctx, cfg)
	checks := make([]left4me.Check, len(all))
	for i, f := range all {
		checks[i] = f.Check
	}
	return checks
}

// Fix mends what can be mended safely: left4me's own directories, their owners
// and modes, and the links to Steam's libraries. It returns what it did, and what
// it could not do.
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
					cfg.Reader.AsRoot("left4me doctor --fix")))
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", f.fixed, err))
		default:
			done = append(done, f.fixed)
		}
	}
	return done, errors.Join(failed...)
}

// examine checks everything, at what takes long at the same time, and gives
// the findings always in the same order.
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
		one(func(_ context.Context, cfg Config) left4me.Check { return installed(cfg) }),
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
	_ = group.Wait() // no step fails: what it can't check is a finding
	var all []finding
	for _, r := range results {
		all = append(all, r...)
	}
	return all
}

// one makes a step of a function that finds one thing, and plain of one that
// finds several, which only a person can mend.
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

func ok(name, format string, args ...any) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckOK, Text: fmt.Sprintf(format, args...)}
}

func warn(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckWarn, Text: text, Mend: mend}
}

func broken(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckBroken, Text: text, Mend: mend}
}

func skipped(name, text, mend string) left4me.Check {
	return left4me.Check{Name: name, State: left4me.CheckSkipped, Text: text, Mend: mend}
}
