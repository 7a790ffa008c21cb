// Package steamcmd drives SteamCMD, Valve's program that installs and updates
// dedicated servers: it finds or fetches it, runs it on a terminal of its own,
// tells what it is doing in steps with bytes and rate, tries what is known to
// help when it fails, and names the cause when nothing did.
//
// Whether the game is there is judged by what is on disk ([Judge]), never by the
// exit code, which SteamCMD gives as it likes. Passwords go into a file that only
// the user who runs it can read, never into arguments, errors or what is told.
//
// What SteamCMD prints is not documented by Valve and changes: the parser passes
// over what it doesn't know, and lines and memory are bounded.
package steamcmd

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// App is the Left 4 Dead 2 dedicated server.
const App = 222860

// Tool is a SteamCMD on this machine.
type Tool struct {
	Script string // steamcmd.sh, the binary itself, or a program that runs either
	Home   string // its HOME: cache, logs, remembered logins; made when it isn't there
	Limits Limits
}

// Account is who logs in to Steam; the zero value is anonymous. Without Password
// SteamCMD uses the login that it remembers of User in its home.
type Account struct {
	User, Password string
	Guard          string // a Steam Guard code, which holds for one login
}

// Update is what SteamCMD is to do.
type Update struct {
	App      int     // App if it is 0
	Dir      string  // where the game goes: absolute, there, and ours to write to
	Validate bool    // compare all files with what Steam has and mend what differs
	Account  Account // of a person who owns the game, tried when it is refused without; may be empty
}

// Event is told while SteamCMD works. Steps may come again: what helps against
// some failures is to install twice.
type Event struct {
	Step     string           // left4me.StepFindSteamCMD, StepLogIn, StepVerifyFiles, StepDownload or StepCommit; empty before the first
	Progress left4me.Progress // bytes of this step and their rate
	Note     string           // what is done besides: "SteamCMD updates itself"
	Line     string           // the line that SteamCMD printed, cleaned; empty for an event of our own
}

// Fetched is the directory beneath a root that left4me keeps its own SteamCMD in.
func Fetched(root string) string { return filepath.Join(root, "steam", "steamcmd") }

// Home is the HOME of SteamCMD beneath a root.
func Home(root string) string { return filepath.Join(root, "steam", "home") }

// debian are where Debian's package steamcmd has its programs.
var debian = []string{"/usr/games/steamcmd", "/usr/lib/games/steam/steamcmd.sh"}

// Find finds SteamCMD: where setting (LEFT4ME_STEAMCMD) says, or else the one
// that was fetched to root, or else Debian's. Errors: left4me.NotFound when there
// is none, or none at setting; left4me.Denied when it can't be run or, as it
// updates itself in place, not be written to. That its place is read-only for
// this process is none: who only inspects it may be confined otherwise than who runs it.
func Find(setting, root string) (Tool, error) {
	candidates := append([]string{filepath.Join(Fetched(root), "steamcmd.sh")}, debian...)
	if setting != "" {
		candidates = []string{setting}
	}
	for _, c := range candidates {
		switch _, err := os.Stat(c); {
		case err == nil:
			err := usable(c)
			if errors.Is(err, unix.EROFS) {
				err = nil
			}
			return Tool{Script: c, Home: Home(root)}, err
		case !errors.Is(err, fs.ErrNotExist):
			return Tool{}, left4me.NewError(left4me.Denied, "steamcmd.not_examined", "path", c, "reason", errors.Unwrap(err), "user",
				whoAmI(), "dir", filepath.Dir(c)).Because(err)
		}
	}
	if setting != "" {
		return Tool{}, left4me.NewError(left4me.NotFound, "steamcmd.not_at_setting", "path", setting)
	}
	return Tool{}, left4me.NewError(left4me.NotFound, "steamcmd.not_on_host")
}

// usable says why a SteamCMD that is there could not be run.
func usable(script string) error {
	info, err := os.Stat(script)
	if err != nil {
		return left4me.NewError(left4me.NotFound, "steamcmd.not_at", "path", script).Because(err)
	}
	if !info.Mode().IsRegular() {
		return left4me.NewError(left4me.Denied, "steamcmd.not_a_file", "path", script)
	}
	if unix.Access(script, unix.X_OK) != nil {
		return notExecutable(script)
	}
	dir := filepath.Dir(script)
	for _, part := range []string{dir, filepath.Join(dir, "linux32"), filepath.Join(dir, "linux32", "steamcmd")} {
		if _, err := os.Stat(filepath.Join(dir, "linux32")); err != nil {
			break // its files are elsewhere: Debian's makes a copy in its home
		}
		switch err := unix.Access(part, unix.W_OK); {
		case err == nil, errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, unix.EROFS):
			return left4me.NewError(left4me.Denied, "steamcmd.read_only", "path", part, "dir", dir).Because(err)
		default:
			return left4me.NewError(left4me.Denied, "steamcmd.other_owner", "path", part, "owner", owner(part), "user", whoAmI(), "dir",
				dir)
		}
	}
	return nil
}

// whoAmI is the name of the user who runs this.
func whoAmI() string { return userName(os.Geteuid()) }

// owner is the name of the user to whom a file belongs; empty when that can't be seen.
func owner(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return userName(int(st.Uid))
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return cmp.Or(u.Username, id)
	}
	return id
}
