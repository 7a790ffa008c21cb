package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// lockVar is the environment variable with the descriptor of the lock, which stays held when the
// process re-executes itself.
const lockVar = "LEFT4ME_INSTALL_LOCK"

// Config sets directories, account and limits.
type Config struct {
	Root    instance.Root
	Run     string           // directory of the lock; unused with systemd
	Account steamcmd.Account // Steam account that owns the game; may be empty
	Limits  steamcmd.Limits  // SteamCMD's deadlines
}

// Run carries out the request in the overlay on the installation. If the overlay is not mounted,
// the process must have been started by a command of [shim.Isolate]: Run then mounts the overlay,
// gives up all privileges and re-executes the program. Run also writes its error to the progress
// file once that file exists.
func Run(ctx context.Context, cfg Config) error {
	root, err := overlayfs.OpenRoot(string(cfg.Root))
	if err != nil {
		return err
	}
	defer root.Close()
	mounted, err := root.Mounted(left4me.InstallInstance)
	if err != nil {
		return err
	}
	if !mounted {
		if !shim.Isolated() {
			return left4me.NewError(left4me.Unavailable, "install.not_mounted", "dir", cfg.Root.Merged(left4me.InstallInstance), "unit",
				left4me.InstallInstance)
		}
		lock, err := shim.Take(cfg.Run, left4me.InstallInstance)
		if err != nil {
			return err
		}
		defer lock.Close()
		if err := shim.Mount(root, left4me.InstallInstance); err != nil {
			return err
		}
		return reexec(lock)
	}
	if fd, err := strconv.Atoi(os.Getenv(lockVar)); err == nil {
		unix.CloseOnExec(fd) // SteamCMD must not inherit the lock
		// Sign the lock only now: while a process re-executes itself, it cannot be seen to hold the
		// lock, and an unheld lock is cleared away.
		if err := shim.Sign(fd); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
	}
	tell, err := newReporter(ProgressFile(cfg.Root))
	if err != nil {
		return err
	}
	r, err := work(ctx, cfg, tell)
	if err != nil {
		r = failed(err)
	}
	return errors.Join(err, tell.result(r))
}

// reexec re-executes the program from an unprivileged thread with no_new_privs, so that SteamCMD's
// children cannot gain privileges. The process stays the same, so the lock stays held.
func reexec(lock *os.File) error {
	runtime.LockOSThread() // never unlocked: exec keeps only this thread
	if err := shim.DropPrivileges(); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(lock.Fd(), unix.F_SETFD, 0); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	env := append(os.Environ(), lockVar+"="+strconv.Itoa(int(lock.Fd())))
	return fmt.Errorf("execute left4me: %w", unix.Exec("/proc/self/exe", os.Args, env))
}

// work carries out the request.
func work(ctx context.Context, cfg Config, tell *reporter) (Result, error) {
	req, err := ReadRequest(cfg.Root)
	if err != nil {
		return Result{}, err
	}
	tell.startStep(left4me.StepFindSteamCMD)
	tool, err := find(ctx, cfg, req, tell)
	if err != nil {
		return Result{}, err
	}
	tool.Limits = cfg.Limits
	if req.Latest {
		tell.startStep(left4me.StepAskSteam)
		latest, err := tool.LatestFor(ctx, cfg.Account, steamcmd.App, "")
		if err != nil {
			return Result{}, err
		}
		return Result{Latest: latest}, nil
	}
	m, err := tool.Update(ctx, steamcmd.Update{
		Dir: cfg.Root.Merged(left4me.InstallInstance), Validate: req.Validate, Account: cfg.Account,
	}, tell.event)
	if err != nil {
		return Result{}, err
	}
	return Result{Build: m.Build}, nil
}

// find returns SteamCMD. It downloads SteamCMD if it is missing and no path is configured.
func find(ctx context.Context, cfg Config, req Request, tell *reporter) (steamcmd.Tool, error) {
	tool, err := steamcmd.Find(req.SteamCMD, string(cfg.Root))
	if errors.Is(err, left4me.NotFound) && req.SteamCMD == "" {
		tell.event(steamcmd.Event{Step: left4me.StepFindSteamCMD, Note: left4me.NewNote("steamcmd.downloading")})
		if err := steamcmd.Fetch(ctx, req.SteamCMDURL, steamcmd.Fetched(string(cfg.Root)), tell.progress); err != nil {
			return tool, err
		}
		tool, err = steamcmd.Find(req.SteamCMD, string(cfg.Root))
	}
	if err != nil {
		return tool, err
	}
	tell.event(steamcmd.Event{Step: left4me.StepFindSteamCMD, Note: left4me.NewNote("path.is", "path", filepath.Dir(tool.Script))})
	return tool, nil
}

// failed returns the result for an error.
func failed(err error) Result {
	r := Result{Error: left4me.Crossing(err)}
	var c steamcmd.Cause
	if errors.As(err, &c) {
		r.Cause = string(c)
	}
	return r
}
