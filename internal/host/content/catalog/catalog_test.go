package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/catalog"
	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/installation"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return dir
}

func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var list []installation.PackFile
	for name, text := range files {
		list = append(list, installation.PackFile{Name: name, Data: []byte(text)})
	}
	var b bytes.Buffer
	must(t, installation.WritePack(&b, list))
	return b.String()
}

func mission(id, title string, maps ...string) string {
	text := fmt.Sprintf("mission { name %s displaytitle %q modes { coop {", id, title)
	for i, m := range maps {
		text += fmt.Sprintf(" %d { map %s displayname #token }", i+1, m)
	}
	return text + " } } }"
}

func ask(t *testing.T, c *catalog.Catalog, layers ...inspect.Layer) []left4me.Campaign {
	t.Helper()
	all, err := c.Campaigns(t.Context(), layers)
	must(t, err)
	return all
}

func show(all []left4me.Campaign) string {
	var lines []string
	for _, c := range all {
		var maps []string
		for _, ch := range append(c.Modes["coop"], c.Modes[left4me.AnyMode]...) {
			maps = append(maps, ch.Map)
		}
		lines = append(lines, fmt.Sprintf("%s|%s|%s: %s", c.Overlay, c.ID, c.Title, strings.Join(maps, " ")))
	}
	return strings.Join(lines, "\n")
}

func TestOfficialCampaignsWithoutGame(t *testing.T) {
	all := ask(t, catalog.New())
	if d := cmp.Diff(left4me.OfficialCampaigns(), all); d != "" {
		t.Error(d)
	}
	if len(all) != 14 || all[13].Title != "The Last Stand" || len(all[13].Modes["coop"]) != 2 {
		t.Errorf("campaigns: %+v", all)
	}
}

func TestCampaignsOfSimulatedGame(t *testing.T) {
	dir := t.TempDir()
	must(t, installation.Lay(dir, installation.Options{Scale: 0.01}))
	overlay := t.TempDir()
	must(t, installation.LayOverlay(overlay, installation.CustomCampaign, installation.Options{Scale: 0.1}))
	all := ask(t, catalog.New(), inspect.Layer{Name: "maps", Dir: overlay}, inspect.Layer{Dir: dir})
	if len(all) != 15 || all[0].ID != "L4D2C1" || all[13].ID != "L4D2C14" || len(all[3].Modes["versus"]) != 5 || all[0].Overlay != "" {
		t.Fatalf("%d campaigns: %s", len(all), show(all))
	}
	c := all[14]
	if c.ID != "MarmaladeMile" || c.Overlay != "maps" || c.File != "left4dead2/addons/marmalade_mile.vpk" ||
		c.Modes["coop"][1].Map != "mm_m2_cannery" {
		t.Errorf("campaign of the overlay: %+v", c)
	}
}

// In the real game, missions are in pak files, several of which contain the same campaign, and titles
// refer to the game's texts.
func TestMissionsAreReadFromPakFiles(t *testing.T) {
	lower := lay(t, map[string]string{
		"left4dead2/pak01_dir.vpk": pack(t, map[string]string{
			"missions/campaign2.txt": mission("L4D2C2", "#L4D360UI_CampaignName_C2", "c2m1_highway"),
			"missions/campaign1.txt": mission("L4D2C1", "#x", "c1m1_hotel"),
			"missions/holdout.txt":   mission("HoldoutChallenge", "Taan", "c1m1_hotel"), "maps/tutorial.bsp": "",
		}),
		"update/pak01_dir.vpk": pack(t,
			map[string]string{"missions/campaign1.txt": mission("l4d2c1", "#x", "c1m1_hotel", "c1m2_streets")}),
		"left4dead2/missions/gone.txt":   mission("Hidden", "old", "c1m1_hotel"),
		"left4dead2/maps/nameless.bsp":   "",
		"left4dead2_dlc1/missions/6.txt": mission("L4D2C6", "The Passing!", "c6m1_riverbank"),
	})
	upper := lay(t, map[string]string{"left4dead2/missions/gone.txt": mission("Seen", "new", "c1m1_hotel")})
	all := ask(t, catalog.New(), inspect.Layer{Dir: upper}, inspect.Layer{Dir: lower})
	want := `|l4d2c1|Dead Center: c1m1_hotel c1m2_streets
|L4D2C2|Dark Carnival: c2m1_highway
|L4D2C6|The Passing!: c6m1_riverbank
|HoldoutChallenge|Taan: c1m1_hotel
|Seen|new: c1m1_hotel`
	if got := show(all); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ch := all[0].Modes["coop"][1]; ch.Title != "2: The Streets" {
		t.Errorf("chapter: %+v", ch)
	}
}

func TestCampaignsComeFromTopmostOverlay(t *testing.T) {
	up := lay(t,
		map[string]string{
			"left4dead2/addons/a.vpk": pack(t,
				map[string]string{"missions/a.txt": mission("A", "Upper", "a1"), "maps/a1.bsp": "", "maps/extra.bsp": ""}),
		})
	low := lay(t, map[string]string{
		"left4dead2/addons/a.vpk":   pack(t, map[string]string{"missions/a.txt": mission("A", "Lower", "a1"), "maps/a1.bsp": ""}),
		"left4dead2/addons/map.vpk": pack(t, map[string]string{"maps/stray.bsp": "", "maps/b1.bsp": ""}),
		"left4dead2/maps/loose.bsp": "",
	})
	missions := lay(t, map[string]string{"left4dead2/missions/b.txt": mission("B", "Apart", "b1")})
	c := catalog.New()
	layers := []inspect.Layer{
		{Name: "up", Dir: up},
		{Name: "low", Dir: low},
		{Name: "gone", Dir: filepath.Join(up, "none")},
		{Name: "m", Dir: missions},
	}
	want := `up|A|Upper: a1
up||a: extra
low||map: stray
low||Maps without a campaign: loose
m|B|Apart: b1`
	for range 2 { // the second time from the cache
		if got := show(ask(t, c, layers...)[14:]); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if got := show(ask(t, c, layers[1])[14:]); !strings.HasPrefix(got, "low|A|Lower: a1\n") ||
		!strings.Contains(got, "low||map: b1 stray") {
		t.Errorf("single layer: %s", got)
	}
}

func TestLayerIsInspectedOnce(t *testing.T) {
	dir := lay(t, map[string]string{"left4dead2/missions/a.txt": mission("A", "First", "a1")})
	c := catalog.New()
	ask(t, c, inspect.Layer{Name: "a", Dir: dir})
	// Layers never change; if one is changed anyway, the cached result is returned.
	must(t, os.WriteFile(filepath.Join(dir, "left4dead2/missions/a.txt"), []byte(mission("A", "Second", "a1")), 0o600))
	if got := show(ask(t, c, inspect.Layer{Name: "a", Dir: dir})[14:]); got != "a|A|First: a1" {
		t.Error(got)
	}
	// Another directory in its place is a new layer.
	must(t, os.Rename(dir, dir+"-old"))
	must(t, os.Rename(lay(t, map[string]string{"left4dead2/missions/a.txt": mission("A", "Third", "a1")}), dir))
	if got := show(ask(t, c, inspect.Layer{Name: "a", Dir: dir})[14:]); got != "a|A|Third: a1" {
		t.Error(got)
	}
}

// A cached layer is shown with its current name.
func TestRenamedLayerKeepsCampaigns(t *testing.T) {
	c := catalog.New()
	dir := lay(t,
		map[string]string{
			"left4dead2/addons/a.vpk": pack(t, map[string]string{"missions/x.txt": mission("X", "X", "x1"), "maps/x1.bsp": "VBSP"}),
		})
	for _, name := range []left4me.Name{"maps", "campaigns"} {
		all := ask(t, c, inspect.Layer{Name: name, Dir: dir})
		if last := all[len(all)-1]; last.ID != "X" || last.Overlay != name {
			t.Errorf("got %+v, want a campaign of overlay %s", last, name)
		}
	}
}

func TestHugeMissionsAreTruncated(t *testing.T) {
	var modes strings.Builder
	for m := range 64 {
		fmt.Fprintf(&modes, " m%d {", m)
		for i := range 200 {
			fmt.Fprintf(&modes, " %d { map m%d }", i, i)
		}
		modes.WriteString(" }")
	}
	files := map[string]string{}
	for i := range 3 {
		files[fmt.Sprintf("left4dead2/missions/%d.txt", i)] = fmt.Sprintf("mission { name big%d modes {%s } }", i, &modes)
	}
	if all := ask(t, catalog.New(), inspect.Layer{Name: "a", Dir: lay(t, files)}); len(all) != 15 {
		t.Errorf("%d campaigns, want 15", len(all))
	}
}

func TestCampaignsEndWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := catalog.New().Campaigns(ctx,
		[]inspect.Layer{{Name: "a", Dir: lay(t, map[string]string{"left4dead2/x": ""})}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNamesHintChangesTitles(t *testing.T) {
	dir := lay(t, map[string]string{"left4dead2/missions/a.txt": mission("a", "x", "m1"), "left4dead2/maps/m1.bsp": ""})
	must(t,
		os.WriteFile(filepath.Join(dir, "left4dead2/missions/a.txt"),
			[]byte(strings.Replace(mission("a", "x", "m1"), "\"x\"", "\"\xc2\xe0\"", 1)), 0o600))
	c := catalog.New()
	for _, hint := range []string{"cp866", "gbk", "cp866"} {
		all := ask(t, c, inspect.Layer{Name: "maps", Dir: dir, Hint: hint})
		want := map[string]string{"cp866": "Ва", "gbk": "锣"}[hint]
		if title := all[len(all)-1].Title; title != want {
			t.Errorf("hint %s: title = %q", hint, title)
		}
	}
}
