package steamcmd

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// session is output in SteamCMD's format, of successful and failed runs.
const session = `Redirecting stderr to '/home/u/Steam/logs/stderr.txt'
[  0%] Checking for available updates...
[----] Verifying installation...
[  6%] Downloading update (2,523 of 39,758 KB)...
[----] Update complete, launching Steamcmd...
Loading Steam API...OK
Connecting anonymously to Steam Public...OK
Waiting for user info...OK
 Update state (0x3) reconfiguring, progress: 0.00 (0 / 0)
 Update state (0x5) verifying install, progress: 26.97 (123 / 456)
 Update state (0x11) preallocating, progress: 40.00 (400 / 1000)
 Update state (0x61) downloading, progress: 30.72 (26785670 / 87188267)
 Update state (0x81) verifying update, progress: 50.00 (50 / 100)
 Update state (0x101) committing, progress: 99.00 (99 / 100)
 Update state (0x0) unknown, progress: 0.00 (0 / 0)
Error! App '222860' state is 0x402 after update job.
Success! App '222860' fully installed.
CWorkThreadPool::~CWorkThreadPool: work processing queue not empty: 2 items discarded.
`

func TestOutputBecomesSteps(t *testing.T) {
	s := outputState{app: App}
	var got []string
	for line := range strings.Lines(session) {
		if e := s.line(line, time.Now()); len(got) == 0 || got[len(got)-1] != e.Step {
			got = append(got, e.Step)
		}
	}
	want := []string{"", left4me.StepFindSteamCMD, left4me.StepLogIn, left4me.StepVerifyFiles, left4me.StepDownload, left4me.StepCommit}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got steps %q", got)
	}
	if !s.done || s.cause != "" || s.remaining != 87188267-26785670 {
		t.Errorf("got %+v, want success without a cause", s)
	}
}

func TestOutputBecomesCauses(t *testing.T) {
	for line, want := range map[string]Cause{
		"ERROR! Failed to install app '222860' (Invalid platform)":                       WrongPlatform,
		"ERROR! Failed to install app '222860' (No subscription)":                        NoSubscription,
		"ERROR! Failed to install app '222860' (Missing configuration)":                  NoAppInfo,
		"ERROR! Failed to install app '222860' (Disk write failure)":                     WriteFailed,
		"Error! App '222860' state is 0x202 after update job.":                           DiskFull,
		"Error! App '222860' state is 0x212 after update job.":                           DiskFull,
		"Error! App '222860' state is 0x402 after update job.":                           Offline,
		"Error! App '222860' state is 0x602 after update job.":                           WriteFailed,
		"Error! App '222860' state is 0x606 after update job.":                           WriteFailed,
		"Error! App '222860' state is 0x6 after update job.":                             Pending,
		"Error! App '222860' state is 0xE after update job.":                             Pending,
		"Error! App '222860' state is 0x626 after update job.":                           Corrupt,
		"Error! App '222860' state is 0x6A6 after update job.":                           Corrupt,
		"ERROR! Timed out waiting for AppInfo update.":                                   NoAppInfo,
		"ERROR! Failed to request AppInfo update, not online or not logged in to Steam.": Offline,
		"Logging in user 'x' [U:1:0] to Steam Public...FAILED (Invalid Password)":        BadPassword,
		"FAILED login with result code Two-factor code mismatch":                         GuardNeeded,
		"FAILED (Rate Limit Exceeded)":                                                   RateLimited,
		"Login Failure: No Connection":                                                   Offline,
		"Logging in user 'x' [U:1:0] to Steam Public...ERROR (Account Disabled)":         LoginRefused,

		"[----] !!! Fatal Error: Steamcmd needs to be online to update.\t Please confirm your network connection and try again.": Offline,

		"/srv/steamcmd/steamcmd.sh: line 37: /srv/steamcmd/linux32/steamcmd: No such file or directory": NotStarted,

		"/srv/steamcmd/linux32/steamcmd: error while loading shared libraries: libstdc++.so.6: " +
			"cannot open shared object file: No such": NotStarted,
		"Loading Steam API...OK":                   "",
		"Success! App '550' fully installed.":      "",
		"ILocalize::AddFile() failed to load file": "",
	} {
		s := outputState{app: App}
		s.line(line, time.Now())
		if s.cause != want || s.done {
			t.Errorf("%s\ngot cause %q, want %q", line, s.cause, want)
		}
	}
}

func TestRateIsSmoothed(t *testing.T) {
	var r rate
	at := time.Unix(1764000000, 0)
	got := r.add(0, at)
	for range 60 { // a minute of 1 MB/s
		at = at.Add(time.Second)
		got = r.add(r.done+1<<20, at)
	}
	if got != 1<<20 {
		t.Errorf("steady: %d", got)
	}
	at = at.Add(time.Second)
	if once := r.add(r.done+10<<20, at); once < 2<<20 || once > 4<<20 {
		t.Errorf("after one fast second: %d", once)
	}
	for range 60 {
		at = at.Add(time.Second)
		got = r.add(r.done, at)
	}
	if got > 1<<10 {
		t.Errorf("after a minute without progress: %d", got)
	}
	if got := r.add(5, at); got != 0 {
		t.Errorf("after a restart: %d", got)
	}
}

func TestRemediesAreOrderedByCause(t *testing.T) {
	for _, c := range []struct {
		cause   Cause
		account bool
		want    []remedy
	}{
		{WrongPlatform, true, []remedy{platforms, asOwner, verify, freshCache}},
		{WrongPlatform, false, []remedy{platforms, verify, freshCache}},
		{NoSubscription, true, []remedy{platforms, asOwner}},
		{Corrupt, true, []remedy{verify, platforms, freshCache}},
		{DiskFull, true, nil},
		{BadPassword, true, nil},
		{RateLimited, true, nil},
		{Hung, true, nil},
	} {
		tried := []remedy{normal}
		for {
			r, ok := next(c.cause, tried, c.account)
			if !ok {
				break
			}
			tried = append(tried, r)
		}
		if len(tried)-1 != len(c.want) {
			t.Errorf("%s: got %v, want %v", c.cause, tried[1:], c.want)
			continue
		}
		for i, r := range c.want {
			if tried[i+1] != r {
				t.Errorf("%s: got %v, want %v", c.cause, tried[1:], c.want)
			}
		}
	}
}

func TestEveryCauseIsExplainedInDocs(t *testing.T) {
	docs, err := os.ReadFile("../../../../docs/steamcmd.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range left4me.ErrorTexts() {
		name, ours := strings.CutPrefix(v.Code, "steamcmd.")
		text, _, _ := strings.Cut(v.Text, "[[")
		text, _, _ = strings.Cut(text, "{")
		if ours && slices.Contains(causeCodes, name) && !strings.Contains(string(docs), text) {
			t.Errorf("docs/steamcmd.md does not explain %s: %q", v.Code, text)
		}
	}
	for c := range remediesFor {
		if !isExplained(c) {
			t.Errorf("%s is not explained", c)
		}
	}
}

// causeCodes lists the error codes of causes, including the two with a time limit.
var causeCodes = []string{
	"offline", "disk_full", "not_writable", "write_failed", "no_subscription", "wrong_platform", "corrupt", "no_app_info", "pending",
	"bad_password", "guard_needed", "rate_limited", "login_refused", "not_started", "crashed", "killed", "newest_unknown", "in_use",
	"unexplained", "hung", "too_long",
}

func isExplained(c Cause) bool {
	return c == Unexplained || c == Hung || c == TooLong || explained(c, "").Code != "steamcmd.unexplained"
}

func FuzzOutput(f *testing.F) {
	f.Add(session)
	f.Add("Error! App '222860' state is 0x202 after update job.\nFAILED (Rate Limit Exceeded)\n")
	f.Add(
		" Update state (0xffffffff) a b, progress: 1.0 (999999999999999999 / 1)\n" +
			"[ 10%] Downloading update (9,999,999,999,999,999 of ,,, KB)...")
	f.Fuzz(func(t *testing.T, text string) {
		s := outputState{app: App}
		at := time.Unix(1764000000, 0)
		for line := range strings.Lines(text) {
			at = at.Add(time.Millisecond * time.Duration(len(line)*7))
			e := s.line(line, at)
			p := e.Progress
			if p.Done < 0 || p.Total < 0 || p.Rate < 0 || p.Total > 0 && p.Done > p.Total {
				t.Errorf("%q: got %+v", line, p)
			}
			if s.cause != "" && !isExplained(s.cause) {
				t.Errorf("%q: cause %q", line, s.cause)
			}
			if s.remaining < 0 || s.downloaded < 0 {
				t.Errorf("%q: got %+v", line, s)
			}
		}
	})
}

func FuzzAppInfo(f *testing.F) {
	f.Add(
		"noise\n\"222860\"\n{\n\t\"depots\"\n\t{\n\t\t\"branches\"\n\t\t{\n\t\t\t\"public\"\n\t\t\t{\n" +
			"\t\t\t\t\"buildid\"\t\t\"15800001\"\n\t\t\t}\n\t\t}\n\t}\n}\nUnloading Steam API...OK\n")
	f.Add("\"222860\"\n{\nAppID : 222860, change number : 1/0\n}\n\"222860\"\n{\n")
	f.Add("\"222860\"\n}\n}\n{")
	f.Fuzz(func(t *testing.T, text string) {
		info := appInfo{app: App}
		for line := range strings.Lines(text) {
			info.line(line)
		}
		if n, known := info.build("public"); known != (n > 0) {
			t.Errorf("got %d %v", n, known)
		}
	})
}

func TestAppInfoIsFoundAmongOtherOutput(t *testing.T) {
	whole := "\"222860\"\n{\n\"common\"\n{\n\"name\" \"a } b\"\n}\n\"depots\"\n{\nsome noise\n\"222860\"\n{\n}\n\"branches\"\n{\n" +
		"\"public\"\n{\n\"buildid\" \"42\"\n}\n}\n}\n}\n"
	for text, want := range map[string]int64{
		whole:                                  42,
		"noise\n" + whole + "noise":            42,
		whole + "\"222860\"\n{\n":              42, // a truncated answer does not invalidate a complete one
		strings.TrimSuffix(whole, "}\n"):       0,
		"\"222860\"\n{\n}\n":                   0,
		"":                                     0,
		"\"550\"\n{\n}\n":                      0,
		strings.Replace(whole, "42", "-1", 1):  0,
		strings.Replace(whole, "42", "all", 1): 0,
		"\"222860\"\n" + strings.Repeat("{\n", 100000): 0,
	} {
		info := appInfo{app: App}
		for line := range strings.Lines(text) {
			info.line(line)
		}
		if got, known := info.build("public"); got != want && want != 0 || known != (want > 0) {
			t.Errorf("%.80q: got %d %v", text, got, known)
		}
	}
}
