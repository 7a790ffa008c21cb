//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runLeft4me runs a left4me command in the machine as its administrator.
func runLeft4me(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, append([]string{"left4me"}, args...)...)
}

// An archive is read by a separate decoder process within the limits of the panel's unit, and a
// server sees its files. Files that the game's user writes over them can be promoted and discarded.
func TestContentIsSharedAcrossUsers(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	tree := t.TempDir()
	for name, text := range map[string]string{
		"cfg/league/rules.cfg":                       "mp_autoteambalance 0\n",
		"addons/sourcemod/configs/admins_simple.ini": "// nobody\n",
	} {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := command("bsdtar", "-C", tree, "--format=7zip", "-cf", outside+"/root/league.7z", "cfg", "addons").Run(); err != nil {
		t.Fatal(err)
	}
	runLeft4me(t, "overlay", "create", "league", "--kind", "files")
	runLeft4me(t, "overlay", "push", "league", "/root/league.7z", "--wait")

	// 7-Zip runs within the limits of the unit, too; only 7-Zip can unpack this archive.
	packed, err := os.ReadFile("../../internal/host/content/archive/testdata/packed/deflate64.zip")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "/root/windows.zip", "root:root", 0o644, string(packed))
	runLeft4me(t, "overlay", "create", "windows", "--kind", "files")
	runLeft4me(t, "overlay", "push", "windows", "/root/windows.zip", "--wait")
	if got := runLeft4me(t, "overlay", "cat", "windows", "left4dead2/cfg/server.cfg"); !strings.Contains(got, "hostname") {
		t.Errorf("the archive with Deflate64 gave %q", got)
	}

	writeFile(t, "/root/motd.sh", "root:root", 0o644, "mkdir -p left4dead2/cfg\nid -un >left4dead2/cfg/made-by.cfg\n")
	runLeft4me(t, "overlay", "create", "made", "--script", "/root/motd.sh", "--build", "--wait")
	if got := runLeft4me(t, "overlay", "cat", "made", "left4dead2/cfg/made-by.cfg"); got != "left4me-build" {
		t.Errorf("the script ran as %q", got)
	}

	body := map[string]any{"name": "gamma", "overlays": []string{"league", "made"}}
	if code := call(t, "POST", "/servers", body, nil); code != http.StatusCreated {
		t.Fatalf("create: status %d", code)
	}
	pid := running(t, "gamma")
	merged := root + "/runtime/gamma/merged/left4dead2/"
	script := "grep -q 'mp_autoteambalance 0' " + merged + "cfg/league/rules.cfg && grep -q left4me-build " + merged + "cfg/made-by.cfg" +
		" && echo '// somebody' >" + merged + "addons/sourcemod/configs/admins_simple.ini && mkdir " + merged +
		"addons/sourcemod/data && echo 1 >" + merged + "addons/sourcemod/data/x.txt"
	if out, err := inGame(pid, script); err != nil {
		t.Fatalf("command of the game: %v\n%s", err, out)
	}
	done(t, "POST", "/servers/gamma/stop")

	runLeft4me(t, "overlay", "create", "kept", "--kind", "files")
	runLeft4me(t, "server", "promote", "gamma", "kept", "left4dead2/addons/sourcemod/configs/admins_simple.ini", "--wait")
	if got := runLeft4me(t, "overlay", "cat", "kept", "left4dead2/addons/sourcemod/configs/admins_simple.ini"); got != "// somebody" {
		t.Errorf("the promoted file has %q", got)
	}
	runLeft4me(t, "server", "discard", "gamma", "left4dead2/addons", "--yes", "--wait")
	if got := runLeft4me(t, "server", "written", "gamma", "-q", "--find", "sourcemod"); got != "" {
		t.Errorf("files left after the discard: %s", got)
	}
	if got := runLeft4me(t, "overlay", "cat", "league", "left4dead2/addons/sourcemod/configs/admins_simple.ini"); got != "// nobody" {
		t.Errorf("the file of the overlay has changed to %q", got)
	}
	done(t, "DELETE", "/servers/gamma")
	for _, o := range []string{"league", "windows", "made", "kept"} {
		runLeft4me(t, "overlay", "delete", o, "--wait")
	}
	if got := runLeft4me(t, "overlay", "list", "-q"); strings.Contains(got, "league") {
		t.Errorf("overlays left after the delete: %s", got)
	}
}
