package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// What stands in the directory of a build.
const (
	ScriptName = "script"
	EnvName    = "env"
	OutName    = "out"
	LogName    = "log"
	EndName    = "end"
)

const (
	maxEnd = 64 << 10
	maxEnv = 256 << 10
)

// Dir is the directory of a build beneath a root.
func Dir(root string, id left4me.Name) string {
	return filepath.Join(root, "tmp", "build-"+string(id))
}

// Request is what is to be run.
type Request struct {
	Script string
	Env    map[string]string // beyond what every script finds
}

var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)
})

// Lay makes the directory of a build that is to be run for a group, -1 for our
// own. Nothing may be there. Errors: left4me.Invalid for a variable that can't
// be one.
func Lay(dir string, r Request, group int) error {
	var env strings.Builder
	for k, v := range r.Env {
		if !variable().MatchString(k) || strings.ContainsAny(v, "\x00\n") {
			return left4me.NewError(left4me.Invalid, "script.variable_invalid", "variable", k)
		}
		fmt.Fprintf(&env, "%s=%s\n", k, v)
	}
	if env.Len() > maxEnv {
		return left4me.NewError(left4me.Invalid, "script.too_many_variables")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	for _, f := range []struct {
		name, text string
		mode       fs.FileMode
	}{
		{ScriptName, r.Script, 0o640},
		{EnvName, env.String(), 0o640},
		{LogName, "", 0o660},
		{EndName, "", 0o660},
		{OutName, "", fs.ModeDir | fs.ModeSetgid | 0o770},
		{".", "", fs.ModeDir | fs.ModeSetgid | 0o750}, // it is found when all is there
	} {
		path := filepath.Join(dir, f.name)
		var err error
		switch {
		case f.name == ".":
		case f.mode.IsDir():
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, []byte(f.text), 0o600)
		}
		if err == nil && group >= 0 {
			err = os.Lchown(path, -1, group)
		}
		if err == nil { // past the umask
			err = os.Chmod(path, f.mode)
		}
		if err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	return nil
}

// End is how a build ended.
type End struct {
	Status int            `json:"status"`          // the script's exit status, as a shell says it
	Error  *left4me.Error `json:"error,omitempty"` // why that doesn't count
}

// WriteEnd puts it where the agent looks for it. The file may be mounted, so it
// is not replaced.
func WriteEnd(dir string, e End) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, EndName), os.O_WRONLY|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, durable.Close(f))
}

// ReadEnd returns how a build ended, or nil when it has not, or was cut off.
// The script may have written it: it says how it was, and nothing more.
func ReadEnd(dir string) (*End, error) {
	f, err := open(filepath.Join(dir, EndName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEnd))
	if err != nil {
		return nil, err
	}
	var e End
	if json.Unmarshal(b, &e) != nil {
		return nil, nil
	}
	return &e, nil
}

// open opens a file of a build, and nothing that a script could have put in its
// place.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid})
	}
	return f, nil
}

// environment is what a script finds.
func environment(dir string) ([]string, error) {
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8", "TZ=UTC",
		"OUT=" + filepath.Join(dir, OutName),
	}
	f, err := open(filepath.Join(dir, EnvName))
	if errors.Is(err, fs.ErrNotExist) {
		return env, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEnv))
	return slices.Concat(env, strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })), err
}
