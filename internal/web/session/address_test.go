package session

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesThatProxiesTell(t *testing.T) {
	var log bytes.Buffer
	p := &Sessions{Log: slog.New(slog.NewTextHandler(&log, nil))}
	ask := func(peer string, told ...string) string {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/login", nil)
		r.RemoteAddr = peer
		for _, h := range told {
			r.Header.Add("X-Forwarded-For", h)
		}
		return p.Address(r).String()
	}
	for told, want := range map[string]string{
		"203.0.113.7":                         "203.0.113.7",
		"203.0.113.7:4711":                    "203.0.113.7",
		"[2001:db8::1]:443":                   "2001:db8::1",
		"[2001:db8::1]":                       "2001:db8::1",
		"2001:db8::1":                         "2001:db8::1",
		"::ffff:203.0.113.7":                  "203.0.113.7",
		"[::ffff:203.0.113.7]:80":             "203.0.113.7",
		"fe80::1%eth0":                        "fe80::1",
		"198.51.100.1, 203.0.113.7:4711":      "203.0.113.7",
		"198.51.100.1:1,  [2001:db8::1]:443 ": "2001:db8::1",
	} {
		if got := ask("127.0.0.1:5000", told); got != want {
			t.Errorf("%q is %s, want %s", told, got, want)
		}
	}
	if got := ask("[::1]:5000", "198.51.100.1", "203.0.113.7:1"); got != "203.0.113.7" {
		t.Errorf("the last of two headers is %s", got)
	}
	if got := ask("198.51.100.9:5000", "203.0.113.7"); got != "198.51.100.9" {
		t.Errorf("whoever is no proxy says to be %s, and is believed", got)
	}
	if got := ask("198.51.100.9:5000", "nonsense"); got != "198.51.100.9" || log.Len() > 0 {
		t.Errorf("%s, %s", got, &log)
	}
	for _, told := range []string{
		"unknown", "_hidden", "203.0.113.7:99999", "[2001:db8::1", "203.0.113.7,", "\x1b[2J",
		strings.Repeat("x", 10_000),
	} {
		if got := ask("127.0.0.1:5000", told); got != "127.0.0.1" {
			t.Errorf("%q is %s", told, got)
		}
	}
	if n := strings.Count(log.String(), "X-Forwarded-For"); n != 1 || log.Len() > 1000 || strings.ContainsRune(log.String(), '\x1b') {
		t.Errorf("it warns %d times: %s", n, &log)
	}
	if got := ask("127.0.0.1:5000"); got != "127.0.0.1" {
		t.Errorf("without a proxy: %s", got)
	}
	if p.Address(httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)) != netip.MustParseAddr("192.0.2.1") {
		t.Error("the address of the peer is another")
	}
}
