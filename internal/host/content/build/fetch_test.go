package build

import "testing"

func TestKeepPatternsMatchPaths(t *testing.T) {
	for path, want := range map[string]bool{
		"left4dead2/cfg/own.cfg": true, "left4dead2/cfg/x/own.cfg": false, "left4dead2/addons/sourcemod/configs/a/b": true,
		"left4dead2/host.txt": true, "left4dead2/cfg": false, "other/cfg/own.cfg": false,
	} {
		if got := keeps([]string{"cfg/own*", "/left4dead2/addons/sourcemod/configs/", "*.txt", "["}, path); got != want {
			t.Errorf("keeps %s = %v", path, got)
		}
	}
}
