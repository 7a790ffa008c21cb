package servers

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
)

// tone is the colour that a state is shown in; the icon and the word say the
// same.
func tone(s left4me.ServerState) string {
	switch s {
	case left4me.Running:
		return "good"
	case left4me.Starting, left4me.Stopping:
		return "busy"
	case left4me.Unresponsive:
		return "warn"
	case left4me.Failed:
		return "bad"
	}
	return "idle"
}

// maxPips is how many slots are drawn one by one; more are only a number.
const maxPips = 16

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
	if step := jobs.CurrentStep(j); step != "" {
		return step
	}
	return doing(j.Kind)
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

// connectAddress is where players reach a server: at the address that was set, else
// on the machine that the browser reached the panel on. There is one host so far.
func (p *Pages) connectAddress(r *http.Request, v servers.View) string {
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
