package servers

import (
	"testing"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

func TestNewerReasonIsShown(t *testing.T) {
	now := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
	reason := left4me.Note{Text: "after the update"}
	s := serverPage{View: servers.View{Status: left4me.Status{Since: now}}}
	if s.jobIsNewer() {
		t.Error("a missing job is newer than the state")
	}
	for job, want := range map[*left4me.Job]bool{
		{CreatedAt: now.Add(time.Second), Reason: reason}:  true,
		{CreatedAt: now.Add(-time.Second), Reason: reason}: false,
		{CreatedAt: now.Add(time.Second)}:                  false,
	} {
		s.Job = job
		if got := s.jobIsNewer(); got != want {
			t.Errorf("%+v: got %t", *job, got)
		}
	}
}
