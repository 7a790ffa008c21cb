package servers

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// The failure is on pages that every user with access to the server sees.
func TestFailureHidesPasswords(t *testing.T) {
	j := left4me.Job{
		Kind:  left4me.StartServer,
		State: left4me.JobFailed,
		Error: &left4me.Error{Kind: left4me.Unavailable, Text: `it ended at sv_password"zoey"`, Hint: "see db_password=zoey"},
	}
	if got := failureWithHint(t.Context(), j); strings.Contains(got, "zoey") || strings.Count(got, "hidden") != 2 {
		t.Errorf("got %q, want both passwords hidden", got)
	}
}
