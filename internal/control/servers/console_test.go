package servers

import "testing"

// Logged console commands contain no passwords, with or without a space before the argument.
func TestLoggedCommandsContainNoArguments(t *testing.T) {
	for line, want := range map[string]string{
		`sv_password"zoey"`: "sv_password", `rcon_password{zoey}`: "rcon_password", "  status ": "status",
		`say hi;sv_password zoey // zoey`: "say; sv_password", "kick\tzoey": "kick", "": "",
	} {
		if got := commandNames(line); got != want {
			t.Errorf("%s: %q, not %q", line, got, want)
		}
	}
}
