package session

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressUsesForwardedHeaderOfProxy(t *testing.T) {
	var log bytes.Buffer
	p := &Sessions{Log: slog.New(slog.NewTextHandler(&log, nil))}
	ask := func(peer string, headers ...string) string {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/login", nil)
		r.RemoteAddr = peer
		for _, h := range headers {
			r.Header.Add("X-Forwarded-For", h)
		}
		return p.Address(r).String()
	}
	for header, want := range map[string]string{
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
		if got := ask("127.0.0.1:5000", header); got != want {
			t.Errorf("X-Forwarded-For %q: got %s, want %s", header, got, want)
		}
	}
	if got := ask("[::1]:5000", "198.51.100.1", "203.0.113.7:1"); got != "203.0.113.7" {
		t.Errorf("two X-Forwarded-For headers: got %s, want the last address", got)
	}
	if got := ask("198.51.100.9:5000", "203.0.113.7"); got != "198.51.100.9" {
		t.Errorf("got %s from the header of a client that is not a proxy, want the address of the client", got)
	}
	if got := ask("198.51.100.9:5000", "nonsense"); got != "198.51.100.9" || log.Len() > 0 {
		t.Errorf("got %s, log %q", got, &log)
	}
	for _, header := range []string{
		"unknown", "_hidden", "203.0.113.7:99999", "[2001:db8::1", "203.0.113.7,", "\x1b[2J",
		strings.Repeat("x", 10_000),
	} {
		if got := ask("127.0.0.1:5000", header); got != "127.0.0.1" {
			t.Errorf("X-Forwarded-For %q: got %s, want the address of the proxy", header, got)
		}
	}
	if n := strings.Count(log.String(), "X-Forwarded-For"); n != 1 || log.Len() > 1000 || strings.ContainsRune(log.String(), '\x1b') {
		t.Errorf("got %d warnings, want 1: %s", n, &log)
	}
	if got := ask("127.0.0.1:5000"); got != "127.0.0.1" {
		t.Errorf("without the header: got %s", got)
	}
	if p.Address(httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)) != netip.MustParseAddr("192.0.2.1") {
		t.Error("without the header: the address is not that of the client")
	}
}
