package servers

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// Why a job failed is told on pages that everybody sees.
func TestFailuresTellNoPasswords(t *testing.T) {
	j := left4me.Job{
		Kind:  left4me.StartServer,
		State: left4me.JobFailed,
		Error: &left4me.Error{Kind: left4me.Unavailable, Text: `it ended at sv_password"zoey"`, Hint: "see db_password=zoey"},
	}
	if got := failedWords(t.Context(), j); strings.Contains(got, "zoey") || strings.Count(got, "hidden") != 2 {
		t.Error(got)
	}
}
