package shim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestRequestNumbersAreClamped(t *testing.T) {
	for in, want := range map[string]request{
		`{"verb":"read","after":-7,"wait_ms":-1,"max":-1}`:           {Verb: verbRead, After: -1, Max: 64 << 10},
		`{"verb":"read","after":5,"wait_ms":999999999,"max":1}`:      {Verb: verbRead, After: 5, Wait: 30_000, Max: minChunk},
		`{"verb":"read","max":2147483647}`:                           {Verb: verbRead, Max: MaxChunk},
		`{"verb":"write","line":"say Grüße"}`:                        {Verb: verbWrite, Line: "say Grüße", Max: 64 << 10},
		`{"verb":"watch","rev":9007199254740993,"unknown":{"a":[]}}`: {Verb: verbWatch, Rev: 9007199254740993, Max: 64 << 10},
	} {
		if got, err := parseRequest([]byte(in)); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	for _, in := range []string{
		"", "{}", "null", `{"verb":"exec"}`, `{"verb":"read","max":1.5}`, `{"verb":["read"]}`, "\x00",
		`{"verb":"status","line":"` + strings.Repeat("a", maxRequest) + `"}`,
	} {
		if _, err := parseRequest([]byte(in)); !errors.Is(err, errRequest) {
			t.Errorf("%.40q: got %v, want errRequest", in, err)
		}
	}
}

func TestCommandsMustBeOneLineOfText(t *testing.T) {
	for _, line := range []string{
		"", "a\nquit", "a\rquit", "a\x00", "a\x1b[A", "a\x03", "a\u0085b", "a\u2028b", "a\xff",
		strings.Repeat("a", MaxCommand+1),
	} {
		if err := checkCommand(line); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%.20q: got %v, want Invalid", line, err)
		}
	}
	for _, line := range []string{"status", "say hello; echo \"x\"", "say Grüße 漢字", strings.Repeat("a", MaxCommand)} {
		if err := checkCommand(line); err != nil {
			t.Errorf("valid command %.20q: %v", line, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		`{"verb":"status"}`, `{"verb":"read","after":1,"wait_ms":5,"max":70000}`, `{"verb":"write","line":"x"}`,
		"{", "[]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		q, err := parseRequest(in)
		if err != nil {
			return
		}
		if q.After < -1 || q.Wait < 0 || q.Wait > MaxWait.Milliseconds() || q.Max < minChunk || q.Max > MaxChunk {
			t.Fatalf("number out of bounds: %+v", q)
		}
		if q.Verb == verbWrite && checkCommand(q.Line) != nil {
			t.Fatalf("forbidden command accepted: %q", q.Line)
		}
		line, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(line) <= maxRequest {
			if again, err := parseRequest(line); err != nil || again != q {
				t.Fatalf("%+v parsed again is %+v, %v", q, again, err)
			}
		}
	})
}
