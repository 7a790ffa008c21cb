package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// serving returns a client of a handler.
func serving(t *testing.T, token string, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Target{URL: s.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func problemHandler(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestProblemStatusSelectsExitCode(t *testing.T) {
	for status, want := range map[int]int{
		400: 2, 401: 5, 403: 5, 404: 3, 409: 4, 413: 2, 422: 2, 429: 7, 500: 1, 502: 6, 503: 6, 504: 6,
	} {
		c := serving(t, "", problemHandler(status, `{"status":0,"detail":"port 27015 is used by beta","hint":"choose another"}`))
		_, err := c.Call(t.Context(), "GET", "/servers", nil, nil)
		if got := output.ExitCode(err); got != want {
			t.Errorf("status %d: exit code %d, want %d", status, got, want)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "port 27015 is used by beta; ") {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestProblemNamesAllInvalidFields(t *testing.T) {
	c := serving(t, "",
		problemHandler(422,
			`{"detail":"a","errors":[{"message":"too long","location":"body.name"},{"message":"out of range","location":"body.port"}]}`))
	_, err := c.Call(t.Context(), "POST", "/servers", map[string]any{}, nil)
	if err == nil || err.Error() != "name: too long, port: out of range" || !errors.Is(err, left4me.Invalid) {
		t.Errorf("got error %v", err)
	}
}

func TestUnexpectedAnswersAreRejected(t *testing.T) {
	said := map[string]string{"too large": "too large", "redirect": "status 302 Found, redirect to https://elsewhere/", "no problem": "404"}
	for what, h := range map[string]http.HandlerFunc{
		"garbage":       func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>hello") },
		"two documents": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[] []") },
		"another shape": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"name":7}`) },
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere/")
			w.WriteHeader(302)
		},
		"no problem":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<b>gone", 404) },
		"bad problem": problemHandler(404, `{"detail":`),
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			block := strings.Repeat("[", 1<<20)
			for range answerLimit>>20 + 1 {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "[")
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(what, func(t *testing.T) {
			c := serving(t, "", h)
			var out struct {
				Name string `json:"name"`
			}
			_, err := c.Call(t.Context(), "GET", "/servers/a", nil, &out)
			if !errors.Is(err, left4me.Unavailable) || !strings.Contains(err.Error(), said[what]) {
				t.Errorf("%v is not Unavailable, or does not say %q", err, said[what])
			}
		})
	}
}

func TestCallTimesOut(t *testing.T) {
	c := serving(t, "", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, "GET", "/servers", nil, nil)
	if output.ExitCode(err) != output.ExitUnavailable || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%v, exit code %d", err, output.ExitCode(err))
	}
}

func TestInterruptedCallHasExitCode(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serving(t, "", func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := c.Call(ctx, "GET", "/servers", nil, nil); output.ExitCode(err) != output.ExitInterrupted {
		t.Errorf("%v, exit code %d", err, output.ExitCode(err))
	}
}

func TestTokenIsSentButNotPrinted(t *testing.T) {
	const token = "l4m_verysecret"
	var got string
	c := serving(t, " "+token+"\n", func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		problemHandler(401, `{"detail":"the API token is not valid"}`)(w, r)
	})
	_, err := c.Call(t.Context(), "GET", "/servers", nil, nil)
	if got != "Bearer "+token {
		t.Errorf("sent %q", got)
	}
	bad, badErr := New(Target{URL: "http://127.0.0.1:1", Token: token + "\nx"})
	if bad != nil || badErr == nil {
		t.Error("a token with a line break was accepted")
	}
	for _, err := range []error{err, badErr} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "verysecret") {
			t.Errorf("got error %v", err)
		}
	}
}

func TestNewValidatesURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://panel.example.org":          "https://panel.example.org/api/v1",
		"https://panel.example.org/":         "https://panel.example.org/api/v1",
		"http://127.0.0.1:8000/api/v1/":      "http://127.0.0.1:8000/api/v1",
		"https://example.org/left4me":        "https://example.org/left4me/api/v1",
		"panel.example.org":                  "",
		"ftp://panel.example.org":            "",
		"https://user:pw@panel.example.org/": "",
		"https://panel.example.org/?a=b":     "",
		"http://":                            "",
		"://":                                "",
	} {
		c, err := New(Target{URL: in})
		if (err == nil) != (want != "") || err == nil && c.base != want {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: a password is shown: %v", in, err)
		}
	}
}

func TestUnreachableLeft4meIsReported(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, target := range []Target{{URL: "http://" + address}, {Socket: filepath.Join(t.TempDir(), "api.sock")}} {
		c, err := New(target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Call(t.Context(), "GET", "/servers", nil, nil)
		if output.ExitCode(err) != output.ExitUnavailable || !strings.Contains(err.Error(), "LEFT4ME_URL") {
			t.Errorf("%+v: %v, exit code %d", target, err, output.ExitCode(err))
		}
	}
}

func TestLocalSocketIsUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%q", r.URL.Path) })}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	c, err := New(Target{Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if _, err := c.Call(t.Context(), "GET", "/servers", nil, &got); err != nil || got != "/api/v1/servers" {
		t.Errorf("got %q, error %v", got, err)
	}
}
