package page

import "testing"

func TestLocalPathRefusesOtherSites(t *testing.T) {
	for in, want := range map[string]string{
		"/servers/alpha?x=1":     "/servers/alpha?x=1",
		"/jobs":                  "/jobs",
		"":                       "/servers",
		"servers":                "/servers",
		"//evil.example":         "/servers",
		"/\\evil.example":        "/servers",
		"\\\\evil.example":       "/servers",
		"https://evil.example/":  "/servers",
		"http:/evil.example":     "/servers",
		"javascript:alert(1)":    "/servers",
		"/\t/evil.example":       "/servers",
		"/\n/evil.example":       "/servers",
		"/%2f/evil.example":      "/servers",
		"///evil.example":        "/servers",
		"/servers#//evil":        "/servers",
		"/logout":                "/servers",
		"//user@evil.example/x":  "/servers",
		"/servers/../..//x":      "/servers/../..//x",
		" /servers":              "/servers",
		"/servers?next=//e.test": "/servers?next=//e.test",
	} {
		if got := LocalPath(in); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", in, got, want)
		}
	}
}
