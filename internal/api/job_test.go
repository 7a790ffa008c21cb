package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// A log may have 256 KiB, so lists of jobs must not include logs.
func TestJobListOmitsLogs(t *testing.T) {
	s := newSite(t)
	log := slices.Repeat([]string{strings.Repeat("x", 1000)}, 200)
	s.host.set(func() { s.host.report = bus.JobReport{Log: log} })
	s.create(t, "alpha")
	var j apitype.Job
	for range 3 {
		s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &j)
		eventually(t, "the job ends", func() bool {
			s.call(t, "GET", "/api/v1/jobs/"+string(j.ID), nil).into(t, &j)
			return j.State == left4me.JobDone
		})
		if !slices.Equal(j.Log, log) {
			t.Fatalf("the job has %d lines", len(j.Log))
		}
	}
	var all []apitype.Job
	a := s.call(t, "GET", "/api/v1/jobs?limit=500", nil)
	if a.into(t, &all); len(all) != 3 || len(all[0].Steps) == 0 || len(a.body) > 10<<10 {
		t.Errorf("%d jobs in %d bytes", len(all), len(a.body))
	}
}
