package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

var streamPath = regexp.MustCompile(`data-live="([^"]+)"`)

// streamOf returns the address of the page's stream, which the page has in an attribute.
func streamOf(t *testing.T, p page) string {
	t.Helper()
	m := streamPath.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("the page has no stream: %s", p.body)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func contains(texts ...string) func(sentEvent) bool {
	return func(e sentEvent) bool {
		for _, s := range texts {
			if !strings.Contains(e.data, s) {
				return false
			}
		}
		return e.name == "html"
	}
}

func TestListUpdatesSingleRows(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	b := s.as(t, "admin")
	events := b.stream(streamOf(t, b.get("/servers")))
	// This event follows those that repeat the page.
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Starting})
	wait(t, events, "the first change", contains("server-alpha", ">Starting<"))

	s.tell(t, left4me.Status{Name: "beta", State: left4me.Running, Map: "c1m1_hotel", Players: 3, MaxPlayers: 8})
	e := wait(t, events, "the row", contains(`id="server-beta"`))
	if strings.Contains(e.data, "server-alpha") || !strings.Contains(e.data, ">Running<") || !strings.Contains(e.data, "Dead Center") {
		t.Errorf("got %s, want only the row of beta", e.data)
	}
	// A sample without visible changes must not send an event.
	sampled := time.Now().UTC()
	s.host.say(t, left4me.Status{Name: "beta", State: left4me.Running, Map: "c1m1_hotel", Players: 3, MaxPlayers: 8, SampledAt: sampled})
	await(t, "the sample", func() bool {
		return must(s.servers.Get(t.Context(), "beta"))(t).Status.SampledAt.Equal(sampled)
	})
	s.addServer(t, "gamma")
	// The notice about the game may arrive at any time.
	e = wait(t, events, "an event", func(e sentEvent) bool { return e.name == "html" && !strings.Contains(e.data, "game-notice") })
	if !contains(`id="servers"`, "server-alpha", "server-beta", "server-gamma")(e) {
		t.Errorf("got %s after a new server, want the whole list", e.data)
	}
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.DeleteServer, "alpha"))(t)
	d := s.host.next(t)
	s.host.report(t, d, left4me.JobDone, nil)
	wait(t, events, "the list without alpha", func(e sentEvent) bool {
		return contains(`id="servers"`)(e) && !strings.Contains(e.data, "server-alpha")
	})
}

func TestOutdatedPageGetsWholeList(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	path := streamOf(t, b.get("/servers"))
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	wait(t, b.stream(path), "the list", contains(`id="servers"`, ">Running<"))
}

func TestServerPageShowsChangesOfServer(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	p := b.get("/servers/alpha")
	p.has(t, http.StatusOK, ">Stopped<")
	events := b.stream(streamOf(t, p))
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	d := s.host.next(t)
	s.host.report(t, d, left4me.JobRunning, nil, left4me.Step{Label: left4me.StepAwaitReady, State: left4me.StepRunning})
	wait(t, events, "the step", contains(`id="server-job"`, "Wait for the first query answer"))
	s.tell(t,
		left4me.Status{
			Name:       "alpha",
			State:      left4me.Running,
			Players:    1,
			MaxPlayers: 8,
			Map:        "c2m1_highway",
			Online:     []left4me.Player{{Name: "Coach"}},
		})
	wanted := map[string]func(sentEvent) bool{
		"the state":   contains(`id="server-head"`, ">Running<"),
		"the map":     contains(`id="server-facts"`, "Dark Carnival"),
		"the players": contains(`id="server-players"`, "Coach"),
	}
	for len(wanted) > 0 { // the events arrive in any order
		wait(t, events, "state, map and players", func(e sentEvent) bool {
			for what, is := range wanted {
				if is(e) {
					delete(wanted, what)
					return true
				}
			}
			return false
		})
	}
	s.host.report(t, d, left4me.JobFailed, &left4me.Error{Kind: left4me.Unavailable, Text: "the port is taken", Hint: "stop the other"})
	wait(t, events, "the end of the job", contains(`id="server-job"`, "The port is taken. Stop the other."))
	must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.DeleteServer, "alpha"))(t)
	s.host.report(t, s.host.next(t), left4me.JobDone, nil)
	isGone := func(e sentEvent) bool { return e.name == "gone" }
	wait(t, events, "the deletion", isGone)
	wait(t, b.stream(streamOf(t, p)), "the deletion on a reconnected page", isGone)
}

func TestConsoleResumesWithoutGapOrDuplicate(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	s.host.print("alpha", "one\ntwo\n")
	b := s.as(t, "admin")
	p := b.get("/servers/alpha/console")
	p.has(t, http.StatusOK, "<div>one</div><div>two</div>", `data-position="8"`)
	path := streamOf(t, p)

	s.host.print("alpha", "three\n")
	isConsole := func(e sentEvent) bool { return e.name == "console" }
	e := wait(t, b.stream(path+"?after=8"), "the next line", isConsole)
	if got := printedLines(t, e); got != "three" || e.id != "14" {
		t.Errorf("after the page: got lines %q, position %s", got, e.id)
	}
	s.host.print("alpha", "four\nfive\n")
	// A browser that reconnects requests the same address again, with the id of the last event in a
	// header.
	e = wait(t, b.stream(path+"?after=8", "Last-Event-ID", "14"), "the next lines", isConsole)
	if got := printedLines(t, e); got != "four|five" || e.id != strconv.Itoa(14+10) {
		t.Errorf("after the reconnect: got lines %q, position %s", got, e.id)
	}
	b.get("/servers/alpha/console/live?after=x", "X-Left4me", "live").has(t, http.StatusUnprocessableEntity, "position")
}

func printedLines(t *testing.T, e sentEvent) string {
	t.Helper()
	var v struct{ Lines []string }
	if err := json.Unmarshal([]byte(e.data), &v); err != nil {
		t.Fatalf("%v in %s", err, e.data)
	}
	return strings.Join(v.Lines, "|")
}

func TestConsoleCommandShowsItsOutput(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	s.tell(t, left4me.Status{Name: "alpha", State: left4me.Running})
	s.host.answer = "hostname: <x>\nplayers : 0\n"
	b := s.as(t, "admin")
	b.post("/servers/alpha/console", "command", "status").has(t, http.StatusOK, "<code>status</code>", "hostname: &lt;x&gt;")
	p := b.do(http.MethodPost, "/servers/alpha/console", "command=status", "Content-Type", "application/x-www-form-urlencoded",
		"X-Left4me", "live", "Sec-Fetch-Site", "same-origin")
	if got := printedLines(t, sentEvent{data: p.body}); got != "hostname: <x>|players : 0" {
		t.Errorf("got lines %q for a request of a script", got)
	}
	b.post("/servers/alpha/console", "command", "say\x01").has(t, http.StatusUnprocessableEntity, "control character",
		`aria-invalid="true"`)
	if got := strings.Join(s.host.commands, "|"); got != "status|status" {
		t.Errorf("the host received the commands %q", got)
	}
}

func TestJobPageShowsChangesOfJob(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	j := must(s.servers.Act(t.Context(), left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	path := "/jobs/" + string(j.ID)
	list := b.stream(streamOf(t, b.get("/jobs")))
	events := b.stream(streamOf(t, b.get(path)))
	wait(t, events, "the job", contains("Queued"))
	d := s.host.next(t)
	s.host.report(t, d, left4me.JobRunning, nil,
		left4me.Step{Label: "check \x1b port", State: left4me.StepRunning, Progress: left4me.Progress{Done: 25, Total: 100, Unit: "files"}})
	wait(t, events, "the step", contains("check ␛ port", "25 %", `value="25"`))
	wait(t, list, "the row of the job", contains(`id="job-`+string(j.ID)+`"`, "Running"))
	s.host.report(t, d, left4me.JobFailed, &left4me.Error{Kind: left4me.Conflict, Text: "no room"})
	wait(t, events, "the end of the job", contains("Failed", "No room.", path+"/retry"))
	wait(t, list, "the end of the job in the list", contains(`id="job-`+string(j.ID)+`"`, "no room"))

	p := b.post(path + "/retry")
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to == path || !strings.HasPrefix(to, "/jobs/") {
		t.Fatalf("retry: got status %d, location %s", p.status, to)
	} else {
		b.post(to+"/cancel").has(t, http.StatusSeeOther)
		b.get(to).has(t, http.StatusOK)
	}
	b.post(path+"/cancel").has(t, http.StatusSeeOther) // cancelling a finished job changes nothing
	b.get(path).has(t, http.StatusOK, "Failed")
}
