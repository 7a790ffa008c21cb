package steamcmd

import (
	"errors"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Cause is the reason why SteamCMD failed. It is an error itself, so that errors.Is(err,
// steamcmd.DiskFull) works.
type Cause string

// Causes of failures.
const (
	Offline        Cause = "no connection to Steam"
	DiskFull       Cause = "disk full"
	NotWritable    Cause = "not writable"
	WriteFailed    Cause = "writing failed" // disk or network: SteamCMD does not say which
	NoSubscription Cause = "no subscription"
	WrongPlatform  Cause = "invalid platform"
	Corrupt        Cause = "files damaged or missing"
	NoAppInfo      Cause = "no information on the app"
	Pending        Cause = "update still pending"
	BadPassword    Cause = "invalid password"
	GuardNeeded    Cause = "Steam Guard code needed or wrong"
	RateLimited    Cause = "too many logins"
	LoginRefused   Cause = "login refused"
	NotStarted     Cause = "could not be run"
	Hung           Cause = "no output"
	TooLong        Cause = "took too long"
	Crashed        Cause = "crashed"
	Killed         Cause = "killed"
	NotKnown       Cause = "newest build not known"
	InUse          Cause = "in use"
	Unexplained    Cause = "unexplained"
)

func (c Cause) Error() string { return string(c) }

// failure returns an error with a cause. reason is SteamCMD's message or a description of what was
// found: a text or an error with a code. It may be empty.
func failure(c Cause, reason any) *left4me.Error { return explained(c, reason).Because(c) }

// explained returns the error that explains a cause to users and says what to do about it.
func explained(c Cause, reason any) *left4me.Error {
	switch c {
	case Offline:
		return left4me.NewError(left4me.Unavailable, "steamcmd.offline", "reason", reason)
	case DiskFull:
		return left4me.NewError(left4me.DiskFull, "steamcmd.disk_full", "reason", reason)
	case NotWritable:
		return left4me.NewError(left4me.Denied, "steamcmd.not_writable", "reason", reason)
	case WriteFailed:
		return left4me.NewError(left4me.Unavailable, "steamcmd.write_failed", "reason", reason)
	case NoSubscription:
		return left4me.NewError(left4me.Denied, "steamcmd.no_subscription", "reason", reason)
	case WrongPlatform:
		return left4me.NewError(left4me.Unavailable, "steamcmd.wrong_platform", "reason", reason)
	case Corrupt:
		return left4me.NewError(left4me.Unavailable, "steamcmd.corrupt", "reason", reason)
	case NoAppInfo:
		return left4me.NewError(left4me.Unavailable, "steamcmd.no_app_info", "reason", reason)
	case Pending:
		return left4me.NewError(left4me.Unavailable, "steamcmd.pending", "reason", reason)
	case BadPassword:
		return left4me.NewError(left4me.Denied, "steamcmd.bad_password", "reason", reason)
	case GuardNeeded:
		return left4me.NewError(left4me.Denied, "steamcmd.guard_needed", "reason", reason)
	case RateLimited:
		return left4me.NewError(left4me.Busy, "steamcmd.rate_limited", "reason", reason)
	case LoginRefused:
		return left4me.NewError(left4me.Denied, "steamcmd.login_refused", "reason", reason)
	case NotStarted:
		return left4me.NewError(left4me.Unavailable, "steamcmd.not_started", "reason", reason)
	case Crashed:
		return left4me.NewError(left4me.Unavailable, "steamcmd.crashed", "reason", reason)
	case Killed:
		return left4me.NewError(left4me.Unavailable, "steamcmd.killed", "reason", reason)
	case NotKnown:
		return left4me.NewError(left4me.Unavailable, "steamcmd.newest_unknown", "reason", reason)
	case InUse:
		return left4me.NewError(left4me.Busy, "steamcmd.in_use", "reason", reason)
	}
	return left4me.NewError(left4me.Unavailable, "steamcmd.unexplained", "reason", reason)
}

// tooLong returns the error for exceeding the total time limit.
func tooLong(limit time.Duration) error {
	return left4me.NewError(left4me.Unavailable, "steamcmd.too_long", "span", limit).Because(TooLong)
}

// causeOf returns the cause of an error of this package.
func causeOf(err error) Cause {
	var c Cause
	if errors.As(err, &c) {
		return c
	}
	return Unexplained
}
