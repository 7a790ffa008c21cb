package instance_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A generation of the config layer that the game or a power failure has changed is never mounted: the
// next start writes a new one.
func TestChangedGenerationIsNotReused(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"changed file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "left4dead2/cfg/server.cfg"), []byte("sv_cheats 1\n"), 0o640)
		},
		"truncated file": func(dir string) error {
			return os.Truncate(filepath.Join(dir, "left4dead2/cfg/server.cfg"), 3)
		},
		"changed file of the same length": func(dir string) error {
			name := filepath.Join(dir, "left4dead2/cfg/server.cfg")
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b[0] ^= 1
			return os.WriteFile(name, b, 0o640)
		},
		"missing file": func(dir string) error {
			return os.Remove(filepath.Join(dir, "left4dead2/cfg/server.cfg"))
		},
		"additional file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "left4dead2/cfg/autoexec.cfg"), nil, 0o640)
		},
		"symbolic link instead of a file": func(dir string) error {
			name := filepath.Join(dir, "left4dead2/cfg/server.cfg")
			outside := filepath.Join(filepath.Dir(dir), "outside")
			if err := os.Rename(name, outside); err != nil {
				return err
			}
			return os.Symlink(outside, name)
		},
	} {
		t.Run(what, func(t *testing.T) {
			f := host(t)
			if err := f.Prepare(t.Context(), spec()); err != nil {
				t.Fatal(err)
			}
			before, err := f.Root.ReadEnv("alpha")
			if err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(string(f.Root), before.Lowerdirs[0])); err != nil {
				t.Fatal(err)
			}
			if err := f.Prepare(t.Context(), spec()); err != nil {
				t.Fatal(err)
			}
			after, err := f.Root.ReadEnv("alpha")
			if err != nil {
				t.Fatal(err)
			}
			if after.Lowerdirs[0] == before.Lowerdirs[0] {
				t.Errorf("changed generation %s is reused", after.Lowerdirs[0])
			}
			if _, err := os.Stat(filepath.Join(string(f.Root), before.Lowerdirs[0])); !os.IsNotExist(err) {
				t.Errorf("old generation still exists: %v", err)
			}
		})
	}
}
