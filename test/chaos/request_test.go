package chaos

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/test/stage"
)

// lines returns the lines of the log that contain all of the texts.
func lines(log string, texts ...string) (found []string) {
	for l := range strings.Lines(log) {
		l = strings.TrimRight(l, "\n")
		has := true
		for _, text := range texts {
			has = has && (strings.Contains(l, text+" ") || strings.HasSuffix(l, text))
		}
		if has {
			found = append(found, l)
		}
	}
	return found
}

// traced checks that every log line about a job has the id of its request, and that the host logged
// the job's start. The wait is needed because the end of a job is logged after the API reports it.
func traced(t *testing.T, s *stage.Stage, id, request string, texts ...string) {
	t.Helper()
	for _, want := range append(texts, `msg="working on job" host=local`) {
		stage.Until(t, want+" of job "+id+" is in the log with request="+request, func() bool {
			return len(lines(s.Log(), want, "job="+id, "request="+request)) > 0
		})
	}
	all := lines(s.Log(), "job="+id)
	if with := lines(s.Log(), "job="+id, "request="+request); len(with) != len(all) {
		t.Errorf("some lines about job %s lack request=%s:\n%s", id, request, strings.Join(all, "\n"))
	}
}

// A request id travels from a click or an API call to the log of the host, also when left4me is
// killed after it wrote the job's row and before the host received the job.
func TestHostLogHasRequestIDs(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29600, "SIM_MAP_LOAD=500ms", "SIM_PLAYERS=0")
	s.Serve(t)
	for _, name := range []string{"alpha", "beta"} {
		s.Create(t, name, nil)
	}

	s.RequestID = "0af7651916cd43dd8448eb211c80319c" // in the format of nginx
	start := s.Ask(t, "start", "alpha")
	s.RequestID = "proxy.2"
	restart := s.Ask(t, "restart", "alpha") // waits behind the start job
	s.RequestID = ""
	s.Kill()
	s.Serve(t)
	for _, c := range []struct{ id, request string }{{start.ID, "0af7651916cd43dd8448eb211c80319c"}, {restart.ID, "proxy.2"}} {
		s.Ended(t, c.id)
		traced(t, s, c.id, c.request, `msg="job runs"`, `msg="job ended"`)
		var j struct {
			RequestID string `json:"request_id"`
		}
		s.Must(t, "GET", "/jobs/"+c.id, nil, &j)
		if j.RequestID != c.request {
			t.Errorf("job %s: got request id %q, want %q", c.id, j.RequestID, c.request)
		}
	}

	request, job := click(t, s, "beta")
	s.Ended(t, job)
	traced(t, s, job, request, `msg="job added"`, `msg="job runs"`, `msg="job ended"`)

	// The command line creates a request id for each command.
	cmd := exec.Command(s.Left4me, "job", "show", job)
	cmd.Env = s.Env
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), request) {
		t.Errorf("%v\n%s", err, out)
	}
	cmd = exec.Command(s.Left4me, "server", "stop", "beta", "--json")
	cmd.Env = s.Env
	out, err := cmd.Output()
	var stopped struct {
		ID        string `json:"id"`
		RequestID string `json:"request_id"`
	}
	first, _, _ := strings.Cut(string(out), "\n")
	if err != nil || json.Unmarshal([]byte(first), &stopped) != nil || stopped.RequestID == "" {
		t.Fatalf("%v\n%s", err, out)
	}
	traced(t, s, stopped.ID, stopped.RequestID)
}

// click starts a server through the panel and returns the request id of the answer and the job.
func click(t *testing.T, s *stage.Stage, server string) (request, job string) {
	t.Helper()
	s.Must(t, "POST", "/users", map[string]any{"name": "ann", "password": "correct horse battery", "admin": true}, nil)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{
		Jar: jar, Timeout: stage.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	post := func(path string, form url.Values) *http.Response {
		t.Helper()
		r, err := browser.PostForm("http://"+s.Address+path, form)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %s", path, r.Status)
		}
		return r
	}
	post("/login", url.Values{"name": {"ann"}, "password": {"correct horse battery"}})
	request = post("/servers/"+server+"/start", nil).Header.Get("X-Request-Id")
	var jobs []stage.Job
	s.Must(t, "GET", "/jobs?server="+server, nil, &jobs)
	if len(jobs) != 1 || !regexp.MustCompile(`^[a-z2-7]{12}$`).MatchString(request) {
		t.Fatalf("got %q, %+v", request, jobs)
	}
	page := fetch(t, browser, s, "/jobs/"+jobs[0].ID)
	if !strings.Contains(page, "<code>"+request+"</code>") {
		t.Errorf("the page of the job does not show request id %s", request)
	}
	return request, jobs[0].ID
}

// An answer has the caller's request id only if that id is valid.
func TestAnswersHaveRequestIDs(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 29500)
	s.Serve(t)
	for _, c := range []struct {
		id   string
		kept bool
	}{
		{"7f3a-1", true},
		{strings.Repeat("a", 64), true},
		{strings.Repeat("a", 65), false},
		{"tab\tin", false},
		{"größe", false},
		{"two words", false},
		{`a"b`, false},
		{"", false},
	} {
		for path, shown := range map[string]string{"/nothing": "<code>%</code>", "/api/v1/nothing": `"request_id":"%"`, "/readyz": ""} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.id != "" {
				r.Header.Set("X-Request-Id", c.id)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			got := res.Header.Get("X-Request-Id")
			if err != nil || got == "" || (got == c.id) != c.kept ||
				!strings.Contains(string(body), strings.ReplaceAll(shown, "%", got)) {
				t.Errorf("%s with %q: %q, %v\n%s", path, c.id, got, err, body)
			}
		}
	}
}
