// Package steamcmd drives SteamCMD, Valve's program that installs and updates dedicated servers. It
// finds or downloads SteamCMD, runs it on a terminal, reports its steps with bytes and rate, tries
// known remedies after a failure, and names the cause if none helped.
//
// The files on disk decide whether an installation succeeded ([Judge]), never the exit code, which
// is unreliable. Passwords are passed in a file that only the current user can read. They never
// appear in arguments, errors or events.
//
// Valve does not document SteamCMD's output and changes it. The parser ignores unknown lines and
// limits the length of lines and the memory used.
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

// App is the Steam app id of the Left 4 Dead 2 dedicated server.
const App = 222860

// Tool is an installed SteamCMD.
type Tool struct {
	Script string // steamcmd.sh, the binary itself, or a program that runs either
	Home   string // its home directory: cache, logs, remembered logins; created if missing
	Limits Limits
}

// Account is a Steam account; the zero value is anonymous. Without a password, SteamCMD uses the
// login that it remembers for User in its home directory.
type Account struct {
	User, Password string
	Guard          string // Steam Guard code, valid for one login
}

// Update describes an installation or update.
type Update struct {
	App      int     // 0 means the constant App
	Dir      string  // directory of the game: absolute, existing and writable
	Validate bool    // compare all files with Steam's and repair differences
	Account  Account // account that owns the game, used if Steam refuses an anonymous login; may be empty
}

// Event reports the progress of SteamCMD. Steps may repeat, because installing twice is a remedy
// for some failures.
type Event struct {
	Step     string           // left4me.StepFindSteamCMD, StepLogIn, StepVerifyFiles, StepDownload or StepCommit; empty before the first
	Progress left4me.Progress // bytes and rate of the current step
	Note     left4me.Note     // additional information, such as "SteamCMD is updating itself"
	Line     string           // a line of SteamCMD's output without control characters; empty for other events
}

// Fetched returns the directory of the SteamCMD that left4me downloads to a root.
func Fetched(root string) string { return filepath.Join(root, "steam", "steamcmd") }

// Home returns SteamCMD's home directory under a root.
func Home(root string) string { return filepath.Join(root, "steam", "home") }

// debian lists the programs of Debian's package steamcmd.
var debian = []string{"/usr/games/steamcmd", "/usr/lib/games/steam/steamcmd.sh"}

// Find returns the SteamCMD at setting (LEFT4ME_STEAMCMD) or, without a setting, the one downloaded
// to root or Debian's. Errors: left4me.NotFound if there is none; left4me.Denied if it cannot be
// executed, or cannot be written to, because it updates itself in place. A read-only file system is
// no error: a process that only inspects SteamCMD may be more restricted than the one that runs it.
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

// usable returns an error if an existing SteamCMD cannot be run.
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
			break // files are elsewhere: Debian's script copies them to its home directory
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

// whoAmI returns the name of the current user.
func whoAmI() string { return userName(os.Geteuid()) }

// owner returns the name of a file's owner, or "" if it cannot be determined.
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
