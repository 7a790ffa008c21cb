package shim

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/unixsock"
)

// Failure describes why a shim ended without a stop request. It is stored next to the socket until the server
// is started again.
type Failure struct {
	At    time.Time     `json:"at"`
	Error left4me.Error `json:"error"`
	// GaveUp is true if the shim gave up restarting the game after repeated crashes.
	GaveUp bool `json:"gave_up,omitempty"`
}

// Reason returns the failure in the form used for a server's reason.
func (f Failure) Reason() *left4me.Error { return shown(&f.Error) }

// shown returns err in the form that users may see.
func shown(err error) *left4me.Error {
	return left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.shim"))
}

// errGaveUp is wrapped by the error of a server that crashed too often.
var errGaveUp = errors.New("no further start")

const maxFailure = 64 << 10

func failurePath(run string, n left4me.Name) string { return filepath.Join(Dir(run, n), "failed") }

// LastFailure reads why the last shim of a server failed. It reports false if the shim didn't fail.
func LastFailure(run string, n left4me.Name) (Failure, bool) {
	dir, err := gameuser.OpenDir(run, string(n))
	if err != nil {
		return Failure{}, false
	}
	defer dir.Close()
	b, err := gameuser.Read(dir, "failed", maxFailure)
	if err != nil {
		return Failure{}, false
	}
	var out Failure
	if err := json.Unmarshal(b, &out); err != nil || out.Error.Text == "" {
		out.Error = *left4me.NewError(left4me.Unavailable, "shim.no_reason")
	}
	return out, true
}

// Died reports whether the last shim of a server was killed, by a signal or because the host went down.
func Died(run string, n left4me.Name) bool {
	if _, locked := locked(run, n); locked {
		return false
	}
	_, err := os.Lstat(Socket(run, n))
	return err == nil
}

// Forget cleans up after a shim that has ended: it kills the processes left by a killed shim and
// removes the recorded failure, the socket and the lock. If the shim is running, Forget changes nothing
// and returns ErrSecond.
func Forget(root instance.Root, run string, n left4me.Name) error {
	died := Died(run, n)
	lock, err := Lock(run, n)
	if err != nil {
		return err
	}
	defer Unlock(lock)
	if died {
		if err := killOrphans(root.Merged(n)); err != nil {
			return err
		}
	}
	for _, path := range []string{failurePath(run, n), Socket(run, n), Socket(run, n) + unixsock.Unfinished, lockPath(run, n)} {
		err = errors.Join(err, removeOrRename(path))
	}
	_ = os.Remove(Dir(run, n)) // fails if the directory contains anything else
	return err
}

// rememberFailure stores err, ignoring errors: without the record, users still see that the server
// failed, but not why.
func rememberFailure(run string, n left4me.Name, err error) {
	fail := Failure{At: now(), Error: *left4me.Crossing(err).Clipped(), GaveUp: errors.Is(err, errGaveUp)}
	b, err := json.Marshal(fail)
	if err != nil {
		return
	}
	path := failurePath(run, n)
	_ = os.Remove(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return
	}
	_, _ = f.Write(b)
	_ = f.Close()
}
