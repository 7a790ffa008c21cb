package left4me_test

import (
	"os/exec"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// A real shell must read the quoted word as the original text.
func TestShellWordSurvivesShell(t *testing.T) {
	for _, s := range []string{"", "plain", "a b", "it's", "$(id)", "`id`", "a\\nb", "\"", "!x", "a\nb", "~", "*", "n -n", "ü", "\xff"} {
		out, err := exec.Command("sh", "-c", "set -- "+left4me.ShellWord(s)+"x; printf %s \"$1\"").Output()
		if err != nil || string(out) != s+"x" {
			t.Errorf("%q: %q, %v", s, out, err)
		}
	}
}
