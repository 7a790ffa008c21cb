package content_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/sim/srcds/internal/content"
)

// The simulated game must read a mission with mistakes as the real game does.
func TestScanReadsMissionsLikeTheGame(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "left4dead2", "missions")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const text = "\"mission\"\n{\n\"Name\" \"A\"\n\"modes\"\n{\n\"coop\"\n{\n\"1\" { \"Map\" \"a1\" \"Image\" }\n" +
		"\"2\" { \"Map\" \"a2\" }\n}\n\"versus\" [$LINUX]\n{\n\"1\" { \"Map\" \"a1\" }\n}\n}\n}\n"
	for name, b := range map[string]string{"a.txt": text, "b.txt": "\xef\xbb\xbf" + text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := content.Scan(root).Missions
	if len(m) != 1 || m[0].Name != "A" || len(m[0].Modes) != 1 || len(m[0].Modes["coop"]) != 2 {
		t.Errorf("got %+v", m)
	}
}
