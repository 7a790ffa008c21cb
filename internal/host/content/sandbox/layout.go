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

// Files in the directory of a build.
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

// Dir returns the directory of a build below a root.
func Dir(root string, id left4me.Name) string {
	return filepath.Join(root, "tmp", "build-"+string(id))
}

// Request describes a build to run.
type Request struct {
	Script string
	Env    map[string]string // in addition to the predefined variables
}

var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)
})

// Create creates the directory of a build that will run with the given group, or with our own for -1. The
// directory must not exist. Errors: left4me.Invalid for an invalid variable.
func Create(dir string, r Request, group int) error {
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
		{".", "", fs.ModeDir | fs.ModeSetgid | 0o750}, // last, because it makes the directory accessible
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
		if err == nil { // independent of the umask
			err = os.Chmod(path, f.mode)
		}
		if err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	return nil
}

// End is the result of a build.
type End struct {
	Status int            `json:"status"`          // exit status in a shell's notation
	Error  *left4me.Error `json:"error,omitempty"` // why the status doesn't count
}

// WriteEnd writes the result to the file that the agent reads. The file may be a mount point, so it is
// overwritten in place.
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

// ReadEnd returns the result of a build, or nil if it hasn't ended or was interrupted. The script may
// have written the file, so it is trusted only as a description of the result.
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

// open opens a file of a build. It fails if the script has replaced the file by anything but a regular
// file.
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

// environment returns the environment of a script.
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
