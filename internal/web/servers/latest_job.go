package servers

import (
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
)

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

// doneWord says what came of a job that is done: a server that was started may have
// stopped by itself since.
func doneWord(s serverPage) string {
	begins := s.Job.Kind == left4me.StartServer || s.Job.Kind == left4me.RestartServer
	if begins && (s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed) {
		return "The server has stopped since then. The job ended"
	}
	return "Ended"
}
