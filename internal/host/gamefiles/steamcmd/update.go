package steamcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// Update installs the newest build or updates an installation to it. It retries failures that may
// be temporary, then tries the known remedies, and returns the manifest if the installation is
// complete. After an interruption, the next call continues the download. Update returns within 5 s
// after ctx ends.
//
// report, which may be nil, is called from one goroutine and must not block for long. Errors are
// *left4me.Error with a Cause in their chain, or the cause of ctx.
func (t Tool) Update(ctx context.Context, u Update, report func(Event)) (Manifest, error) {
	limits := t.Limits.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, limits.Whole, tooLong(limits.Whole))
	defer cancel()
	u.App = cmp.Or(u.App, App)
	if report == nil {
		report = func(Event) {}
	}
	w := &work{tool: t, Update: u, limits: limits, report: report}
	if err := w.ready(); err != nil {
		return Manifest{}, err
	}
	unlock, err := t.lock()
	if err != nil {
		return Manifest{}, err
	}
	defer unlock()
	for r := normal; ; {
		m, err := w.try(ctx, r)
		if err == nil || ctx.Err() != nil {
			return m, err
		}
		w.tried = append(w.tried, r)
		helps, ok := next(causeOf(err), w.tried, u.Account.User != "")
		if !ok {
			return m, err
		}
		r = helps
		w.report(Event{Step: left4me.StepLogIn, Note: r.note()})
	}
}

// work is an update in progress.
type work struct {
	Update
	tool       Tool
	limits     Limits
	report     func(Event)
	tried      []remedy
	downloaded int64 // largest number of bytes that a run downloaded; a larger number counts as progress
}

// ready checks for problems that would make SteamCMD fail without a message.
func (w *work) ready() error {
	if !filepath.IsAbs(w.Dir) {
		return fmt.Errorf("steamcmd: %s is not an absolute path", w.Dir)
	}
	if err := errors.Join(w.Account.check(), usable(w.tool.Script)); err != nil {
		return err
	}
	if info, err := os.Stat(w.Dir); err != nil {
		return notWritable(w.Dir, err)
	} else if !info.IsDir() {
		return failure(NotWritable, left4me.NewError(left4me.Denied, "path.not_a_directory", "path", w.Dir))
	}
	if err := tryWriting(w.Dir); err != nil {
		return err
	}
	return w.tool.Libraries()
}

// try applies a remedy and checks the files on disk afterwards.
func (w *work) try(ctx context.Context, r remedy) (Manifest, error) {
	if r == freshCache {
		if err := w.tool.clearAppCache(); err != nil {
			return Manifest{}, err
		}
	}
	for i, p := range r.passes(w.Validate, w.Account.User != "", w.tried) {
		if i > 0 {
			w.report(Event{Step: left4me.StepLogIn, Note: left4me.NewNote("steamcmd.next_pass", "platform", p.platform)})
		}
		if err := w.retry(ctx, p); err != nil {
			return Manifest{}, err
		}
	}
	m, err := Judge(w.Dir, w.App)
	if err != nil {
		// SteamCMD reported success, but the installation is incomplete.
		e, _ := left4me.Public(err)
		return m, left4me.NewError(e.Kind, "steamcmd.done_but_wrong", "error", e).Because(errors.Join(Corrupt, err))
	}
	return m, nil
}

// retry repeats a pass while its failure may be temporary. A run that downloaded more than before
// resets the number of attempts, so a connection that breaks every hour still succeeds.
func (w *work) retry(ctx context.Context, p pass) error {
	for fails := 1; ; fails++ {
		before := w.downloaded
		err := w.once(ctx, p)
		if err == nil || ctx.Err() != nil || !slices.Contains(temporary, causeOf(err)) {
			return err
		}
		if w.downloaded > before {
			fails = 1
		}
		if fails >= w.limits.Tries {
			return err
		}
		pause := w.limits.Pause << min(fails-1, 6)
		e, _ := left4me.Public(err)
		w.report(Event{Step: left4me.StepLogIn, Note: left4me.NewNote("steamcmd.retry", "error", e, "pause", pause)})
		if sleep.For(ctx, pause) != nil {
			return context.Cause(ctx)
		}
	}
}

// once runs SteamCMD one time.
func (w *work) once(ctx context.Context, p pass) error {
	account := Account{}
	if p.account {
		account = w.Account
	}
	c := newCommands(w.Dir, account)
	if p.platform != "" {
		c.add("@sSteamCmdForcePlatformType", p.platform)
	}
	update := []string{"app_update", fmt.Sprint(w.App)}
	if p.validate {
		update = append(update, "validate")
	}
	c.add(update...)
	s := outputState{app: w.App}
	before, _ := Judge(w.Dir, w.App)
	end, err := w.tool.run(ctx, c, w.limits.Silence, func(line string) { w.report(s.line(line, time.Now())) })
	w.downloaded = max(w.downloaded, s.downloaded)
	if err != nil {
		return err
	}
	if p.account && w.Account.Guard != "" {
		// A guard code is valid for one login; SteamCMD remembers the account from now on.
		w.Account.Guard, w.Account.Password = "", ""
	}
	if s.done {
		return nil
	}
	if s.cause == "" && !end.hung {
		// SteamCMD reported neither success nor failure: the files on disk decide.
		if after, err := Judge(w.Dir, w.App); err == nil && after != before && after.Build == after.Target {
			return nil
		}
	}
	return w.explain(s, end, p.account)
}

// explain returns the error for a failed run. loggedIn reports whether an account was used: if
// Steam refuses an anonymous login, the problem is at Steam.
func (w *work) explain(s outputState, end ending, loggedIn bool) error {
	switch {
	case end.hung:
		return w.tool.hung(w.limits.Silence)
	case s.cannotRun(end):
		return w.tool.cannotRun(s, end)
	case s.cause == WriteFailed || s.cause == DiskFull:
		return w.notWritten(s)
	case s.cause == NotWritable:
		if path := firstUnwritable(w.Dir); path != "" {
			return notWritable(path, syscall.EACCES)
		}
	case s.cause == LoginRefused && !loggedIn:
		return failure(Offline, s.message)
	}
	if s.cause != "" {
		return failure(s.cause, s.message)
	}
	return end.explain()
}

// explain returns the error for a run without a message, based on its exit code or signal.
func (e ending) explain() error {
	switch e.signal {
	case 0:
	default:
		if e.crashed() {
			return failure(Crashed, e.signal.String())
		}
		return failure(Killed, e.signal.String())
	}
	switch e.code { // exit codes are undocumented
	case 5:
		return failure(LoginRefused, "")
	case 10, 254:
		return failure(Offline, "")
	case restartCode:
		return failure(Unexplained, left4me.NewError(left4me.Unavailable, "process.restarts"))
	}
	return failure(Unexplained, e.how())
}

// crashed reports whether the process was killed by its own fault.
func (e ending) crashed() bool {
	switch e.signal {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS:
		return true
	}
	return false
}

// hung returns the error for a SteamCMD without output.
func (t Tool) hung(silence time.Duration) error {
	return left4me.NewError(left4me.Unavailable, "steamcmd.hung", "span", silence, "dir", filepath.Join(t.Home, "Steam", "logs")).
		Because(Hung)
}

// clearAppCache deletes SteamCMD's cache of app information, so that it asks Steam again.
func (t Tool) clearAppCache() error {
	var err error
	for _, dir := range []string{
		filepath.Join(t.Home, "Steam"), filepath.Join(t.Home, ".steam", "steam"),
		filepath.Join(t.Home, ".local", "share", "Steam"), filepath.Dir(t.Script),
	} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, "appcache")))
	}
	if err != nil {
		return notWritable(t.Home, err)
	}
	return nil
}
