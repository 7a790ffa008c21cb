package game

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func dirs(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		if err := os.MkdirAll(filepath.Join(dir, n), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuildsAreDerivedFromDirectories(t *testing.T) {
	for _, c := range []struct {
		dirs  []string
		build int64
		want  []string
	}{
		{[]string{"base"}, UnknownBuild, []string{"base"}},
		{[]string{"base", "update-9", "update-10", "junk", "update-x"}, 10, []string{"update-10", "update-9", "base"}},
		{[]string{"base", "update-9", "update-9-2"}, 9, []string{"update-9-2", "update-9", "base"}},
		{[]string{"base", "update-9", "base-9", "update-10"}, 10, []string{"update-10", "base-9"}},
	} {
		layers, build, err := Layers(dirs(t, c.dirs...))
		if err != nil || build != c.build || !slices.Equal(layers, c.want) {
			t.Errorf("%q: got build %d, %q, %v", c.dirs, build, layers, err)
		}
	}
	if _, _, err := Layers(dirs(t, "update-9")); !errors.Is(err, left4me.NotFound) {
		t.Errorf("an update without a base: %v", err)
	}
}

func TestDamagedBuildsFileIsRebuilt(t *testing.T) {
	for what, text := range map[string]string{
		"empty": "", "truncated": `{"v":1,"current":9,"bui`, "of a later version": `{"v":2}`,
		"layer outside the directory": `{"v":1,"current":9,"builds":[{"build":9,"layers":["../../etc"]}]}`,
		"duplicate build":             `{"v":1,"current":9,"builds":[{"build":9,"layers":["base"]},{"build":9,"layers":["base"]}]}`,
	} {
		dir := dirs(t, "base", "update-9")
		if err := os.WriteFile(filepath.Join(dir, fileName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := Load(dir)
		if err != nil || b.Current != 9 || b.Rebuilt == "" {
			t.Errorf("%s: got %+v, %v", what, b, err)
		}
	}
}

func TestBuildWithMissingLayerIsSkipped(t *testing.T) {
	dir := dirs(t, "base")
	b := Builds{
		Current: 9,
		Pinned:  true,
		Builds:  []Build{{Build: 9, Layers: []string{"update-9", "base"}}, {Build: 8, Layers: []string{"base"}}},
	}
	if err := save(dir, b); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil || got.Current != 8 || len(got.Builds) != 1 || !got.Pinned {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOutdatedComparesBuildAndRequiredVersion(t *testing.T) {
	b := Builds{Current: 9, Builds: []Build{{Build: 9, Version: "2.2.4.3", Layers: []string{"base"}}}}
	for _, c := range []struct {
		latest   int64
		required string
		want     bool
	}{{0, "", false}, {9, "2243", false}, {10, "", true}, {8, "", false}, {0, "2244", true}, {0, "2242", false}, {0, "22410", true}} {
		b.Latest, b.Required = c.latest, c.required
		if b.Outdated() != c.want {
			t.Errorf("%+v: got %v", c, b.Outdated())
		}
	}
	if (Builds{Latest: 10}).Outdated() {
		t.Error("got Outdated true without an installed build")
	}
}

// Any list that is parsed successfully can be saved and parsed again, and names no directory outside the
// installation.
func FuzzBuilds(f *testing.F) {
	f.Add([]byte(`{"v":1,"current":9,"builds":[{"build":9,"version":"2.2.4.3","layers":["update-9","base"]}]}`))
	f.Add([]byte(`{"v":1,"current":9,"builds":[{"build":9,"layers":["base/../.."]}]}`))
	f.Add([]byte(`{"v":1,"builds":[{"build":-1,"layers":[]}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parse(data)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, x := range b.Builds {
			for _, l := range x.Layers {
				if !isLayer(l) || filepath.Base(l) != l {
					t.Errorf("layer %q", l)
				}
			}
		}
		again, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(again); err != nil {
			t.Errorf("the saved list cannot be parsed: %v", err)
		}
	})
}
