package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

func TestFollowJobUntilEnd(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	var j apitype.Job
	s.call(t, "POST", "/api/v1/servers/alpha/stop", nil).into(t, &j)
	next := s.stream(t, "/api/v1/jobs/"+string(j.ID)+"/events", nil)
	for {
		e, ok := next()
		if !ok {
			break
		}
		if e.name != "job" {
			t.Fatalf("event %+v", e)
		}
		if j.State.Ended() {
			t.Fatalf("an event after the end: %+v", e)
		}
		if err := json.Unmarshal([]byte(e.data), &j); err != nil {
			t.Fatal(err)
		}
	}
	if j.State != left4me.JobDone || j.EndedAt.IsZero() || j.Error != nil || len(j.Steps) != 2 ||
		j.Steps[1].Label != "unmount overlay (if mounted)" || j.Steps[1].State != left4me.StepDone {
		t.Errorf("the last event: %+v", j)
	}
	// A client that connects after the end gets the final state immediately.
	if e, ok := s.stream(t, "/api/v1/jobs/"+string(j.ID)+"/events", nil)(); !ok || !strings.Contains(e.data, `"done"`) {
		t.Errorf("late: %+v, %v", e, ok)
	}
}

// slow is a response writer that records its write deadline.
type slow struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error {
	s.deadline = t
	return nil
}

func TestStreamClearsWriteDeadline(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	var j apitype.Job
	s.call(t, "POST", "/api/v1/servers/alpha/stop", nil).into(t, &j)
	w := &slow{ResponseRecorder: httptest.NewRecorder(), deadline: time.Now()}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/jobs/"+string(j.ID)+"/events", nil)
	r.Header.Set("Authorization", "Bearer "+s.admin)
	s.handler.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"done"`) || !w.deadline.IsZero() {
		t.Errorf("a write deadline remains: %s\n%s", w.deadline, w.Body)
	}
}

func TestStreamEndsWhenTokenIsRevoked(t *testing.T) {
	s := newSite(t)
	u := must(s.accounts.User(t.Context(), "guest"))(t)
	token := must(s.accounts.CreateToken(t.Context(), u.Actor, "short", time.Now().Add(300*time.Millisecond)))(t)
	r := must(http.NewRequestWithContext(t.Context(), "GET", s.url+"/api/v1/events", nil))(t)
	r.Header.Set("Authorization", "Bearer "+token)
	resp := must(http.DefaultClient.Do(r))(t)
	defer resp.Body.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, resp.Body)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %s, error %v", resp.Status, err)
		}
	case <-time.After(patience):
		t.Error("the stream did not end")
		resp.Body.Close()
		<-ended
	}
}

func TestConsoleResumesAtLastEventID(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.host.set(func() { s.host.console = "line one\nline two\n" })
	const path = "/api/v1/servers/alpha/console"
	read := func(header http.Header, bytes int) (text, last string) {
		t.Helper()
		for next := s.stream(t, path, header); len(text) < bytes; {
			e, ok := next()
			if !ok || e.name != "console" {
				t.Fatalf("got %+v, ok %v", e, ok)
			}
			var c apitype.ConsoleChunk
			if err := json.Unmarshal([]byte(e.data), &c); err != nil {
				t.Fatal(err)
			}
			text, last = text+c.Text, e.id
		}
		return text, last
	}
	text, last := read(nil, 1)
	if text != "line one\n" || last != "9" {
		t.Errorf("history: %q up to %s", text, last)
	}
	s.host.set(func() { s.host.console += "line three\n" })
	if text, _ := read(http.Header{"Last-Event-Id": {last}}, 20); text != "line two\nline three\n" {
		t.Errorf("after %s: %q", last, text)
	}
	for _, id := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		header := http.Header{"Authorization": {"Bearer " + s.admin}, "Last-Event-Id": {id}}
		s.send(t, "GET", path, header, nil).problem(t, http.StatusUnprocessableEntity, "header.Last-Event-ID")
	}
}

func TestStreamReportsChangedServers(t *testing.T) {
	s := newSite(t)
	next := s.stream(t, "/api/v1/events", nil)
	s.create(t, "alpha")
	if e, ok := next(); !ok || e.name != "server" || e.data != `{"server":"alpha"}` {
		t.Errorf("got %+v, ok %v", e, ok)
	}
	s.host.says(t, left4me.Status{Name: "beta", State: left4me.Running})
	for e, ok := next(); e.data != `{"server":"beta"}`; e, ok = next() {
		if !ok {
			t.Fatal("the stream ended")
		}
	}
}

func TestServerIncludesStatusFromHost(t *testing.T) {
	s := newSite(t)
	s.create(t, "alpha")
	s.host.says(t, left4me.Status{
		Name: "alpha", State: left4me.Running, PID: 4242, Port: 27015, Map: "c1m1_hotel", Players: 1, MaxPlayers: 8, SpecHash: "other",
		Online: []left4me.Player{{Name: "Al"}},
	})
	var v apitype.GameServer
	eventually(t, "alpha runs", func() bool {
		s.call(t, "GET", "/api/v1/servers/alpha", nil).into(t, &v)
		return v.State == left4me.Running
	})
	if v.PID != 4242 || v.Map != "c1m1_hotel" || v.Players != 1 || v.MaxPlayers != 8 || !v.RestartRequired || len(v.Online) != 1 {
		t.Errorf("got %+v", v)
	}
}

func TestServerListIsInvalidatedByChanges(t *testing.T) {
	s := newSite(t)
	list := func() string { return string(s.call(t, "GET", "/api/v1/servers", nil).body) }
	if got := list(); got != "[]\n" {
		t.Errorf("empty list: %q", got)
	}
	s.create(t, "alpha")
	if got := list(); !strings.Contains(got, `"alpha"`) {
		t.Errorf("created: %s", got)
	}
	s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: "c1m1_hotel"})
	eventually(t, "the list shows its map", func() bool { return strings.Contains(list(), `"c1m1_hotel"`) })
	s.host.says(t, left4me.Status{Name: "alpha", State: left4me.Running, Map: "c1m2_streets"})
	eventually(t, "the list shows its next map", func() bool { return strings.Contains(list(), `"c1m2_streets"`) })
	s.host.set(func() { s.host.work = false })
	s.call(t, "POST", "/api/v1/servers/alpha/stop", nil)
	if got := list(); !strings.Contains(got, `"server.stop"`) {
		t.Errorf("with a job: %s", got)
	}
	s.host.set(func() { s.host.statuses = nil })
	if err := s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the list shows that the host knows nothing", func() bool { return strings.Contains(list(), `"stopped"`) })
}

func TestStreamsPerTokenAreLimited(t *testing.T) {
	s := newSite(t)
	u := must(s.accounts.User(t.Context(), "guest"))(t)
	token := must(s.accounts.CreateToken(t.Context(), u.Actor, "many", time.Time{}))(t)
	header := withToken(token)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	open := func() int {
		r := must(http.NewRequestWithContext(ctx, "GET", s.url+"/api/v1/events", nil))(t)
		r.Header = header
		resp := must(http.DefaultClient.Do(r))(t)
		t.Cleanup(func() { resp.Body.Close() })
		return resp.StatusCode
	}
	for range accounts.MaxStreams {
		if got := open(); got != http.StatusOK {
			t.Fatalf("status %d", got)
		}
	}
	if got := open(); got != http.StatusTooManyRequests {
		t.Fatalf("status %d of one more", got)
	}
	s.send(t, "GET", "/api/v1/events", header, nil).problem(t, http.StatusTooManyRequests)
	s.stream(t, "/api/v1/events", nil)
	cancel()
	eventually(t, "room for another stream", func() bool { return s.accounts.MayStream(token) == nil })
}
