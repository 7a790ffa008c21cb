package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWithSettingKeepsOtherSettings(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a new one":            {"", "A=1\n"},
		"after others":         {"# why\nB=2\n", "# why\nB=2\nA=1\n"},
		"no line end":          {"B=2", "B=2\nA=1\n"},
		"replaced in place":    {"A=0\nB=2\n", "A=1\nB=2\n"},
		"twice":                {"A=0\nB=2\nA=3\n", "A=1\nB=2\n"},
		"set already":          {"A=0\nA=1\n", "A=0\nA=1\n"},
		"quoted":               {"A=\"1\"\n", "A=\"1\"\n"},
		"a comment is not it":  {"#A=1\n", "#A=1\nA=1\n"},
		"nor is a longer name": {"AA=1\n", "AA=1\nA=1\n"},
		"nor is a value":       {"B=A=1\n", "B=A=1\nA=1\n"},
	} {
		if got := withSetting(tt.text, "A", "1"); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		if got := settingIn(tt.want, "A"); got != "1" {
			t.Errorf("%s: got %q afterwards, want 1", name, got)
		}
	}
}

func FuzzWithSetting(f *testing.F) {
	f.Add("# c\nLEFT4ME_LISTEN=:8000\n")
	f.Add("A=\"x\ny\r\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		const v = "127.0.0.1:8000"
		got := withSetting(text, "A", v)
		if settingIn(got, "A") != v {
			t.Errorf("%q: got %q, which lacks the setting", text, got)
		}
		if again := withSetting(got, "A", v); again != got {
			t.Errorf("second call changed %q to %q", got, again)
		}
	})
}

func TestTmpfilesPathsOmitComments(t *testing.T) {
	b, err := os.ReadFile("../../deploy/tmpfiles/left4me.conf")
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Join(tmpfilesPaths(string(b)), " ")
	for _, want := range []string{"/var/lib/left4me", "/run/left4me", "/etc/left4me"} {
		if !strings.Contains(" "+paths+" ", " "+want+" ") {
			t.Errorf("%s is missing in %s", want, paths)
		}
	}
	if strings.Contains(paths, "#") || strings.Contains(paths, "Secrets") {
		t.Errorf("comments were returned as paths: %s", paths)
	}
}

func TestChangesReportsChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	write := func(text string) func() error {
		return func() error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for _, tt := range []struct {
		do    func() error
		state func(string) string
		want  bool
	}{
		{write(""), contents, false}, // no lines: no user and nothing else was added
		{write("a"), contents, true},
		{write("a"), contents, false},
		{write("b"), owners, false},
		{func() error { return os.Chmod(path, 0o640) }, owners, true},
		{func() error { return os.Remove(path) }, owners, true},
	} {
		if got, err := changes([]string{path}, tt.state, tt.do); got != tt.want || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, tt.want)
		}
	}
}

func TestAddressExplainsHowToReachPanel(t *testing.T) {
	for _, tt := range []struct{ listen, public, url, advice string }{
		{"127.0.0.1:8000", "", "http://127.0.0.1:8000", "ssh -L 8000:127.0.0.1:8000 root@box"},
		{"localhost:80", "", "http://localhost:80", "ssh -L 80:localhost:80 root@box"},
		{"[::1]:8000", "", "http://[::1]:8000", "ssh -L 8000:[::1]:8000 root@box"},
		{"0.0.0.0:8000", "", "http://box:8000", "https"},
		{":8000", "", "http://box:8000", "https"},
		{"192.0.2.7:8000", "", "http://192.0.2.7:8000", "https"},
		{"127.0.0.1:8000", "https://panel.example.org", "https://panel.example.org", "proxy"},
		{"0.0.0.0:8000", "http://panel.lan:8000", "http://panel.lan:8000", ""},
		{"127.0.0.1:8000", "http://127.0.0.1:8000", "http://127.0.0.1:8000", ""},
		{"127.0.0.1:8000", "http://localhost:8000/", "http://localhost:8000/", ""},
		{"[::1]:80", "http://localhost", "http://localhost", ""},
		{"127.0.0.1:8000", "http://127.0.0.1:9000", "http://127.0.0.1:9000", "proxy"},
		{"127.0.0.1:8000", "http://192.0.2.7:8000", "http://192.0.2.7:8000", "proxy"},
	} {
		url, advice := address(settings{listen: tt.listen, publicURL: tt.public}, "box")
		text := strings.Join(advice, "\n")
		if url != tt.url || !strings.Contains(text, tt.advice) || (text == "") != (tt.advice == "") {
			t.Errorf("%s, %s: got %s\n%s", tt.listen, tt.public, url, text)
		}
	}
}

// Programs run as left4me's user could otherwise type into the terminal of root, who runs setup
// (TIOCSTI, ioctl_tty(2)).
func TestAsUserRunsInOwnSession(t *testing.T) {
	if _, err := exec.LookPath("runuser"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and runuser")
	}
	out, err := asUser(t.Context(), "nobody", "/bin/sh", "-c", "cut -d' ' -f6 /proc/self/stat; id -un").Output()
	if err != nil {
		t.Fatal(err)
	}
	session, name, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	own, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	if name != "nobody" || session == strconv.Itoa(own) {
		t.Errorf("%s runs in session %s of root", name, session)
	}
}
