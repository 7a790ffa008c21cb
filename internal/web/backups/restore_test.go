package backups

import "testing"

func TestCommandThatRestoresFitsTheMachine(t *testing.T) {
	for units, want := range map[bool]string{
		true:  "systemctl stop left4me 'left4me-server@*'\nleft4me backup restore '/x y.tar.zst' --force\nsystemctl start left4me",
		false: "left4me server stop --all --wait\n# end left4me serve\nleft4me backup restore '/x y.tar.zst' --force\nleft4me serve",
	} {
		if got := (&Pages{Units: units}).restoreCommand("/x y.tar.zst"); got != want {
			t.Errorf("units %v: %q, want %q", units, got, want)
		}
	}
}
