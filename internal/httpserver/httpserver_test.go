package httpserver_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

func TestEachKindThatIsShownHasAStatus(t *testing.T) {
	for _, k := range []left4me.Kind{
		left4me.NotFound, left4me.Conflict, left4me.Invalid, left4me.Denied, left4me.Busy, left4me.Unavailable, left4me.DiskFull,
	} {
		if status, ok := httpserver.Status(k); !ok || http.StatusText(status) == "" || status < 400 {
			t.Errorf("%s: %d", k, status)
		}
	}
	if status, ok := httpserver.Status(left4me.Internal); ok {
		t.Errorf("an internal error has the status %d", status)
	}
}

func TestErrorIDsDiffer(t *testing.T) {
	a, b := httpserver.ErrorID(), httpserver.ErrorID()
	if a == b || !regexp.MustCompile(`^[a-z2-7]{12}$`).MatchString(a) {
		t.Errorf("%q, %q", a, b)
	}
}

func TestABodyThatIsCutIsToldAsSuch(t *testing.T) {
	w := httptest.NewRecorder()
	whole, err := io.ReadAll(httpserver.SlowBody(w, strings.NewReader("all of it")))
	if err != nil || string(whole) != "all of it" {
		t.Errorf("%q, %v", whole, err)
	}
	_, err = io.ReadAll(httpserver.SlowBody(w, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("cut")))))
	if !errors.Is(err, httpserver.ErrBody) || !errors.Is(err, iotest.ErrTimeout) ||
		!errors.Is(httpserver.CutOff(err), left4me.Unavailable) {
		t.Errorf("%v", err)
	}
	other := left4me.Errorf(left4me.Conflict, "taken")
	if err := httpserver.CutOff(errors.Join(httpserver.ErrBody, other)); !errors.Is(err, left4me.Conflict) ||
		errors.Is(err, left4me.Unavailable) {
		t.Errorf("what is public already became %v", err)
	}
}

func TestEventsAreWrittenAsTheStandardHasThem(t *testing.T) {
	w := httptest.NewRecorder()
	e := httpserver.NewEvents(w)
	err := errors.Join(e.Comment("left4me"), e.Send("7", "html", []byte("one\r\ntwo\rthree")), e.Send("", "beat", nil))
	e.End()
	const want = ": left4me\n\nid: 7\nevent: html\ndata: one\ndata: twothree\n\nevent: beat\ndata: \n\n"
	if got := w.Body.String(); err != nil || got != want || !w.Flushed {
		t.Errorf("%q, %v", got, err)
	}
	for name, v := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := w.Header().Get(name); got != v {
			t.Errorf("%s is %q", name, got)
		}
	}
}
