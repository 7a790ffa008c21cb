package web

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// maxPips is how many slots are drawn one by one; more are only a number.
const maxPips = 16

// action is a button that makes a job.
type action struct {
	Kind  left4me.JobKind
	Label string
	Icon  string
	Main  bool
}

// path is where the button's form goes.
func (a action) path(n left4me.Name) string { return "/servers/" + string(n) + "/" + a.Kind.Verb() }

var (
	startAction   = action{left4me.StartServer, "Start", "play", true}
	stopAction    = action{left4me.StopServer, "Stop", "stop", false}
	restartAction = action{left4me.RestartServer, "Restart", "restart", false}
)

// actions are what makes sense for a server now, the likeliest first.
func actions(v servers.View) []action {
	if v.Job != nil && v.Job.Kind == left4me.DeleteServer {
		return nil
	}
	restart := restartAction
	switch v.Status.State {
	case left4me.Stopped, left4me.Failed:
		return []action{startAction}
	case left4me.Starting:
		return []action{stopAction}
	case left4me.Running:
		if v.RestartRequired || v.NewBuild > 0 || len(v.NewContent) > 0 {
			restart.Main = true
			return []action{restart, stopAction}
		}
		return []action{stopAction, restart}
	case left4me.Unresponsive:
		restart.Main = true
		return []action{restart, stopAction}
	case left4me.Stopping:
		return nil
	}
	return []action{startAction, stopAction}
}

// doing says what a job is about, while it is.
func doing(k left4me.JobKind) string {
	switch k {
	case left4me.StartServer:
		return "starting…"
	case left4me.StopServer:
		return "stopping…"
	case left4me.RestartServer:
		return "restarting…"
	case left4me.ResetServer:
		return "resetting…"
	case left4me.DeleteServer:
		return "deleting…"
	}
	return string(k)
}

// progressOf says how far a job is that has not ended.
func progressOf(j left4me.Job) string {
	if j.State == left4me.JobQueued {
		return j.Kind.Verb() + " is queued"
	}
	if step := stepNow(j); step != "" {
		return step
	}
	return doing(j.Kind)
}

// jobTitle says what a job is.
func jobTitle(k left4me.JobKind) string {
	verb := k.Verb()
	if verb == "" {
		return string(k)
	}
	return strings.ToUpper(verb[:1]) + verb[1:]
}

// slots is how many can play, as far as it is known or asked for.
func slots(v servers.View) int {
	if v.Status.MaxPlayers > 0 {
		return v.Status.MaxPlayers
	}
	return v.Settings.MaxPlayers
}

// mapOf is the map that is played, or the one that a start begins with.
func mapOf(v servers.View) (name string, now bool) {
	if v.Status.Map != "" {
		return v.Status.Map, true
	}
	return v.Settings.Map, false
}

// hostnameOf is what players see as the server's name.
func hostnameOf(v servers.View) string {
	if v.Status.Hostname != "" {
		return v.Status.Hostname
	}
	return v.Settings.Hostname
}

// findable is what a row of the list can be found by, in lower case.
func findable(v servers.View) string {
	m, _ := mapOf(v)
	return strings.ToLower(visible(strings.Join([]string{
		string(v.Name), hostnameOf(v), m, chapterOf(m).Campaign, string(v.Status.State), strconv.Itoa(v.Port), string(v.Blueprint),
	}, " ")))
}

// matches reports whether a server is found by all words of a filter.
func matches(v servers.View, filter string) bool {
	if filter == "" {
		return true
	}
	text := findable(v)
	for word := range strings.FieldsSeq(strings.ToLower(filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// connectAddress is where players reach a server: at the address that was set, else
// on the machine that the browser reached the panel on. There is one host so far.
func (p *panel) connectAddress(r *http.Request, v servers.View) string {
	host := cmp.Or(p.PublicAddress, r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	port := v.Port
	if v.Status.Port > 0 {
		port = v.Status.Port
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// machineTime is a time as scripts read it.
func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// personTime is a time for people whose browser runs no script.
func personTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// anyMatch reports whether the filter leaves anything to see.
func anyMatch(l serverList) bool {
	return slices.ContainsFunc(l.Servers, func(v servers.View) bool { return matches(v, l.Filter) })
}

// hostSays is what is known of the machine when there are no servers yet.
func hostSays(f firstRun) string {
	if !f.HostAnswers {
		return "It does not answer yet. The log of left4me says why."
	}
	if f.Overlays == 0 {
		return "This one answers. It has no overlays yet: the game runs as it is."
	}
	return "This one answers and has " + count(f.Overlays, "overlay", "overlays") + "."
}

// newContentOf names the overlays that a restart would change: maps@3, or how
// many there are.
func newContentOf(all []left4me.OverlayChange) string {
	if len(all) > 2 {
		return fmt.Sprintf("%d overlays", len(all))
	}
	var names []string
	for _, c := range all {
		if c.To == 0 {
			names = append(names, "the removal of "+string(c.Overlay))
		} else {
			names = append(names, left4me.OverlayRef{Name: c.Overlay, Revision: c.To}.String())
		}
	}
	return strings.Join(names, " and ")
}

// doneWord says what came of a job that is done: a server that was started may have
// stopped by itself since.
func doneWord(s serverPage) string {
	begins := s.Job.Kind == left4me.StartServer || s.Job.Kind == left4me.RestartServer
	if begins && (s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed) {
		return "The server has stopped since then. The job ended"
	}
	return "Ended"
}

// failedShort is why a job failed, in one sentence.
func failedShort(j left4me.Job) string {
	what := jobTitle(j.Kind) + " failed"
	if j.State == left4me.JobInterrupted {
		what = jobTitle(j.Kind) + " was interrupted"
	}
	if j.Error == nil {
		return what + "."
	}
	return what + ": " + ended(visible(left4me.HideSecrets(j.Error.Text)))
}

// failedWords is why a job failed, with what to do.
func failedWords(j left4me.Job) string {
	if j.Error == nil || j.Error.Hint == "" {
		return failedShort(j)
	}
	return failedShort(j) + " " + sentence(visible(left4me.HideSecrets(j.Error.Hint)))
}

// remedy is the page that helps with a failure.
type remedy struct{ Label, Path string }

// remedyOf is where the cause of a server's failure can be changed, as far as its
// error names it.
func remedyOf(v servers.View) remedy {
	if v.Failed == nil || v.Failed.Error == nil {
		return remedy{}
	}
	settings := "/servers/" + string(v.Name) + "/settings"
	field, _, _ := strings.Cut(v.Failed.Error.Field, "[")
	switch key, isSetting := strings.CutPrefix(field, "settings."); {
	case field == "port":
		return remedy{"Change the port", settings + "#port"}
	case field == "overlays":
		return remedy{"Change the overlays", settings + "#overlays"}
	case field == left4me.FieldMap:
		return remedy{"Change the first map", settings + "#map"}
	case isSetting:
		return remedy{"Change the setting", settings + "#" + key}
	}
	return remedy{}
}
