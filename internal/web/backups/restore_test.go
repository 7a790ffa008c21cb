package backups

import "testing"

func TestRestoreCommandWithAndWithoutSystemd(t *testing.T) {
	for units, want := range map[bool]string{
		true:  "systemctl stop left4me 'left4me-server@*'\nleft4me backup restore '/x y.tar.zst' --force\nsystemctl start left4me",
		false: "left4me server stop --all --wait\n# Stop left4me serve.\nleft4me backup restore '/x y.tar.zst' --force\nleft4me serve",
	} {
		if got := (&Pages{Units: units}).restoreCommand(t.Context(), "/x y.tar.zst"); got != want {
			t.Errorf("units %v: got %q, want %q", units, got, want)
		}
	}
}
