package httpserver_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

func TestEachErrorKindHasStatus(t *testing.T) {
	for _, k := range []left4me.Kind{
		left4me.NotFound, left4me.Conflict, left4me.Invalid, left4me.Denied, left4me.Busy, left4me.Unavailable, left4me.DiskFull,
	} {
		if status, ok := httpserver.Status(k); !ok || http.StatusText(status) == "" || status < 400 {
			t.Errorf("%s: got status %d", k, status)
		}
	}
	if status, ok := httpserver.Status(left4me.Internal); ok {
		t.Errorf("an internal error has status %d", status)
	}
}

func TestEachRequestHasID(t *testing.T) {
	var inside string
	h := httpserver.Identified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = requestid.From(r.Context()) }))
	seen := map[string]bool{}
	for _, c := range []struct {
		sent []string
		kept bool
	}{
		{nil, false},
		{nil, false},
		{[]string{"0af7651916cd43dd8448eb211c80319c"}, true},
		{[]string{"0af7651916cd43dd8448eb211c80319c", "another"}, false},
		{[]string{""}, false},
		{[]string{"line\nlevel=ERROR"}, false},
		{[]string{"gr\u00f6\u00dfe"}, false},
		{[]string{"\x1b[2J"}, false},
		{[]string{strings.Repeat("a", 65)}, false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header["X-Request-Id"] = c.sent
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if got != inside || !requestid.Valid(got) || seen[got] || c.kept != (len(c.sent) > 0 && got == c.sent[0]) {
			t.Errorf("sent %q, got %q in the answer and %q in the context", c.sent, got, inside)
		}
		seen[got] = true
	}
}

func TestInterruptedBodyIsReported(t *testing.T) {
	w := httptest.NewRecorder()
	whole, err := io.ReadAll(httpserver.SlowBody(w, strings.NewReader("all of it")))
	if err != nil || string(whole) != "all of it" {
		t.Errorf("got %q, error %v", whole, err)
	}
	_, err = io.ReadAll(httpserver.SlowBody(w, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("cut")))))
	if !errors.Is(err, httpserver.ErrBody) || !errors.Is(err, iotest.ErrTimeout) ||
		!errors.Is(httpserver.CutOff(err), left4me.Unavailable) {
		t.Errorf("got error %v", err)
	}
	other := &left4me.Error{Kind: left4me.Conflict, Text: "taken"}
	if err := httpserver.CutOff(errors.Join(httpserver.ErrBody, other)); !errors.Is(err, left4me.Conflict) ||
		errors.Is(err, left4me.Unavailable) {
		t.Errorf("a public error became %v", err)
	}
}

func TestEventsMatchStandard(t *testing.T) {
	w := httptest.NewRecorder()
	e := httpserver.NewEvents(w)
	err := errors.Join(e.Comment("left4me"), e.Send("7", "html", []byte("one\r\ntwo\rthree")), e.Send("", "beat", nil))
	e.End()
	const want = ": left4me\n\nid: 7\nevent: html\ndata: one\ndata: twothree\n\nevent: beat\ndata: \n\n"
	if got := w.Body.String(); err != nil || got != want || !w.Flushed {
		t.Errorf("got %q, error %v", got, err)
	}
	for name, v := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := w.Header().Get(name); got != v {
			t.Errorf("header %s is %q", name, got)
		}
	}
}

// torn is content whose second half cannot be read.
type torn struct {
	*strings.Reader
	from int64
}

func (c torn) Read(b []byte) (int, error) {
	at := c.Size() - int64(c.Len())
	if at >= c.from {
		return 0, iotest.ErrTimeout
	}
	return c.Reader.Read(b[:min(int64(len(b)), c.from-at)])
}

// An error in the middle of an answer closes the connection and is reported, unless the client
// itself has disconnected.
func TestFailedDownloadIsAbortedAndLogged(t *testing.T) {
	const half = 100 << 10
	text := strings.Repeat("x", 2*half)
	told := make(chan error, 2)
	tell := func(err error) { told <- err }
	heard := func() error {
		t.Helper()
		select {
		case err := <-told:
			return err
		case <-time.After(10 * time.Second):
			t.Fatal("the error was not reported")
			return nil
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/content", func(w http.ResponseWriter, r *http.Request) {
		httpserver.Content(w, r, time.Time{}, torn{strings.NewReader(text), half}, tell)
	})
	mux.HandleFunc("/whole", func(w http.ResponseWriter, r *http.Request) {
		httpserver.Content(w, r, time.Time{}, strings.NewReader(text), tell)
	})
	mux.HandleFunc("/generated", func(w http.ResponseWriter, r *http.Request) {
		httpserver.Generate(w, r, func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, text[:half])
			return errors.Join(err, iotest.ErrTimeout)
		}, tell)
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("an unsent answer appears complete")
			}
			tell(nil)
		}()
		r = r.WithContext(context.WithoutCancel(r.Context())) // the server has not noticed the disconnect yet
		httpserver.Generate(w, r, func(_ context.Context, w io.Writer) error {
			for {
				if _, err := io.WriteString(w, text); err != nil {
					return err
				}
			}
		}, tell)
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	get := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return server.Client().Do(r)
	}
	for _, path := range []string{"/content", "/generated"} {
		res, err := get(path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil || len(body) != half {
			t.Errorf("%s: got %d bytes, %v: the answer appears complete", path, len(body), err)
		}
		if err := heard(); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%s: reported %v", path, err)
		}
	}
	res, err := get("/whole")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != text {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	res.Body.Close()
	if res, err = get("/gone"); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := heard(); err != nil {
		t.Errorf("reported the disconnect of a client: %v", err)
	}
}

// A download that ends with its request, for example because the right to it ends, is no error to
// report. The answer must not appear complete either.
func TestCancelledDownloadIsNotLogged(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for name, answer := range map[string]func(w http.ResponseWriter, failed func(error)){
		"generated": func(w http.ResponseWriter, failed func(error)) {
			httpserver.Generate(w, r, func(ctx context.Context, _ io.Writer) error { return ctx.Err() }, failed)
		},
		"content": func(w http.ResponseWriter, failed func(error)) {
			httpserver.Content(w, r, time.Time{}, torn{strings.NewReader("x"), 0}, failed)
		},
	} {
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Errorf("%s: the answer appears complete", name)
				}
			}()
			answer(httptest.NewRecorder(), func(err error) { t.Errorf("%s: reported %v", name, err) })
		}()
	}
}
