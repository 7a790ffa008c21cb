package instance

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Pseudo-files for the parts of a start that are not files: the arguments, each with its value on one
// line, and the layers, one per line, top first.
const (
	ArgumentsFile = "command line"
	LayersFile    = "layers"
)

// ConfigFile is a generated file: the text of the last start, and the text of the next. A missing file
// is empty. Passwords are masked.
type ConfigFile struct{ Path, Running, Next string }

// Diff compares the files of a server's last start with those that a start with spec would generate
// now. It changes nothing. The server may still have its old name on this host. Errors:
// left4me.NotFound if content is missing on this host.
func (f Files) Diff(spec left4me.Spec) ([]ConfigFile, error) {
	n := spec.Name
	if !n.Valid() {
		return nil, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
	}
	layers, _, err := f.Root.Layers(spec.Overlays)
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", n, err)
	}
	next := Config(spec, f.Root.lower(spec.Overlays), "x") // the password is masked below
	next[ArgumentsFile], next[LayersFile] = argumentLines(Args(spec)), strings.Join(layers, "\n")+"\n"
	has := n
	if old := f.Root.FormerName(spec); old.Valid() && f.Root.Exists(old) {
		has = old
	}
	running, err := f.generated(has)
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", n, err)
	}
	all := maps.Clone(running)
	maps.Copy(all, next)
	var out []ConfigFile
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, will := left4me.HideBoth(running[name], next[name])
		out = append(out, ConfigFile{Path: name, Running: was, Next: will})
	}
	return out, nil
}

// generated returns the files of a server's last start; none if it never started.
func (f Files) generated(n left4me.Name) (map[string]string, error) {
	env, err := f.Root.ReadEnv(n)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(env.Lowerdirs) == 0 {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	generation, layers := env.Lowerdirs[0], env.Lowerdirs[1:]
	files := map[string]string{ArgumentsFile: argumentLines(env.Args), LayersFile: strings.Join(layers, "\n") + "\n"}
	root, err := os.OpenRoot(filepath.Join(string(f.Root), filepath.FromSlash(generation)))
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return files, fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := readGenerated(root, name)
		files[name] = text
		return err
	})
}

// maxGenerated limits how much of a generated file is read. It exceeds the length to which the bus
// shortens texts.
const maxGenerated = 8 << 20

func readGenerated(root *os.Root, name string) (string, error) {
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxGenerated))
	return strings.ToValidUTF8(string(b), "\uFFFD"), err
}

// argumentLines puts each option on a line together with its values.
func argumentLines(args []string) string {
	var b strings.Builder
	for i, a := range args {
		option := len(a) > 1 && (a[0] == '+' || a[0] == '-' && (a[1] < '0' || a[1] > '9'))
		switch {
		case i == 0:
		case option:
			b.WriteByte('\n')
		default:
			b.WriteByte(' ')
		}
		b.WriteString(a)
	}
	return b.String() + "\n"
}
