package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitest"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Answers with members that a running left4me rarely returns must match the description, too.
// test/clients checks all others against a running left4me.
func TestRareMembersMatchDescription(t *testing.T) {
	s := newSite(t)
	d := must(apitest.Open())(t)
	do := func(method, path string, body any) (a answer) {
		t.Helper()
		a = s.call(t, method, "/api/v1"+path, body)
		if err := d.Answer(method, "/api/v1"+path, a.status, a.header, a.body); err != nil || a.status >= 400 {
			t.Errorf("%s: %d %s %v", path, a.status, a.body, err)
		}
		return a
	}
	s.create(t, "alpha")
	do("POST", "/overlays", map[string]any{"name": "mods", "kind": "files"})
	do("POST", "/overlays", map[string]any{"name": "written", "kind": "script", "script": map[string]any{"text": "true"}})
	do("POST", "/overlays", map[string]any{"name": "moved", "kind": "files", "moves": []map[string]any{{"from": "docs", "to": "-"}}})
	s.installed(t)
	var u struct{ ID string }
	do("POST", "/overlays/mods/uploads", nil).into(t, &u)
	s.send(t, "PUT", piece(u.ID, "a", 0, 1), withToken(s.admin), strings.NewReader("x"))
	for _, full := range []bool{true, false} {
		s.host.set(func() { s.host.answers, s.host.checks, s.host.report = rare(full) })
		for _, work := range []bool{false, true} {
			s.host.set(func() { s.host.work = work })
			var started, built struct{ ID string }
			do("POST", "/servers/alpha/start", nil).into(t, &started)
			do("POST", "/overlays/written/build", nil).into(t, &built)
			if !work {
				do("GET", "/servers", nil)
				do("GET", "/overlays", nil)
				do("POST", "/jobs/"+started.ID+"/cancel", nil)
				do("POST", "/jobs/"+built.ID+"/cancel", nil)
			}
			eventually(t, "the jobs end", func() bool {
				active, err := s.store.Jobs().Active(t.Context())
				return err == nil && len(active) == 0
			})
			do("GET", "/jobs/"+started.ID, nil)
		}
		for _, p := range []string{
			"/servers", "/overlays", "/hosts/local/game", "/servers/alpha/reach", "/servers/alpha/campaigns",
			"/servers/alpha/clashes", "/servers/alpha/written",
		} {
			do("GET", p, nil)
		}
		do("POST", "/uploads/"+u.ID+"/plan", map[string]any{})
	}
	moves := store.OverlayRestart{Overlay: "mods", Revision: 2, Mode: "empty", State: "running", CreatedAt: time.Now()}
	if err := s.store.OverlayRestarts().Set(t.Context(), moves); err != nil {
		t.Fatal(err)
	}
	do("GET", "/overlays/mods/moves", nil)
	do("DELETE", "/overlays/mods/moves", nil)
	for _, m := range apitest.RareMembers {
		if !d.Both(m) {
			t.Errorf("%s was not seen both present and absent", m)
		}
	}
	for _, id := range apitest.RareOperations {
		if !d.Answered(id) {
			t.Errorf("%s was not requested", id)
		}
	}
}

// rare returns answers of a host, either with all optional members or without them.
func rare(full bool) (answers map[string]any, checks []left4me.Check, report bus.JobReport) {
	campaign, warning := left4me.Campaign{ID: "a", Title: "A"}, left4me.Warning{Kind: left4me.WarnBroken, Text: "no"}
	chapter, file, plan := left4me.Chapter{Number: 1, Map: "a"}, left4me.TreeFile{Path: "a"}, left4me.Plan{}
	report = bus.JobReport{State: left4me.JobFailed, Error: &left4me.Error{Kind: left4me.Invalid, Text: "no"}}
	if full {
		campaign.Author, campaign.Description, campaign.Image, campaign.Mission, campaign.Version = "a", "a", "a.jpg", "a", "1"
		chapter.Image, warning.Hint = "a.jpg", "do"
		report.Error = left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "beta").InField("port")
		file.Gone, file.Hides, file.Opaque = true, []string{"game"}, true
		reason := left4me.NewNote("placement.addon")
		plan = left4me.Plan{
			Problem: report.Error, Skipped: []string{"a"}, Repairs: []string{"a"},
			Conversions: []left4me.PlanConversion{{Path: "a", Reason: reason}},
			Warnings:    []left4me.Warning{warning},
			Files:       []left4me.PlanFile{{Path: "a", Over: true, Why: "b", Reason: reason}, {Path: "b"}},
			Left:        []left4me.PlanLeft{{Why: "no", Reason: reason, Count: 1, Files: []string{"c"}}}, Asked: 1,
			Asks: []left4me.PlanAsk{{
				Text:     "a",
				Question: reason,
				Count:    1,
				Files:    []string{"a"},
				Choices:  []left4me.PlanChoice{{Text: "x", Label: reason, Moves: []left4me.FolderMove{{From: "a", To: "-"}}}},
			}},
			Dirs: []left4me.PlanDir{
				{From: "a", Dir: true, To: "left4dead2", Why: "b", Reason: reason, Count: 1, Asked: true}, {From: "c", Count: 1},
			},
			MoreDirs: 1, Unread: 1, Moves: []left4me.FolderMove{{From: "a", To: "-"}},
		}
		checks = []left4me.Check{{Name: "port", State: left4me.CheckBroken, Text: "no"}}
		step := left4me.Step{Label: "x", State: left4me.StepFailed}
		step.SetWarnings(left4me.NewNote("game.outdated"))
		report.Steps = []left4me.Step{step}
	}
	campaign.Modes = map[string][]left4me.Chapter{"coop": {chapter}, "versus": nil}
	return map[string]any{
		bus.VerbCampaigns: []left4me.Campaign{campaign, {ID: "b"}}, bus.VerbClashes: []left4me.Warning{warning},
		bus.VerbUpper: left4me.Page[left4me.TreeFile]{Items: []left4me.TreeFile{file}}, bus.VerbPlan: plan,
	}, checks, report
}
