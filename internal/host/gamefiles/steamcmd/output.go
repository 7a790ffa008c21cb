package steamcmd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Patterns of SteamCMD's output. Other lines are searched for phrases.
var (
	progressLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`Update state \((0x[0-9a-fA-F]{1,8})\) ([a-z ]*), progress: [0-9.]+ \((\d{1,18}) / (\d{1,18})\)`)
	})
	selfUpdate = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[ *\d+%\] Downloading [Uu]pdate \(([\d,]{1,20}) of ([\d,]{1,20}) KB\)`)
	})
	succeeded = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^Success! App '(\d{1,10})' (fully installed|already up to date)`)
	})
	notInstalled = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^ERROR! Failed to (?:install|update) app '\d+' \(([^)]*)\)`)
	})
	leftInState = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^Error! App '\d+' state is (0x[0-9a-fA-F]{1,8}) after update job`)
	})
	ownLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(
			`^(?:Redirecting stderr|Logging directory|\[ *\d+%\]|\[----\]|Steam Console Client|Loading Steam API|` +
				`Connecting anonymously|Logging in user|Update state \(0x|Success! App '|E(?:RROR|rror)! (?:App '|Failed to ))`)
	})
	loginFailed = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:FAILED|ERROR) \(([^)]*)\)|FAILED login with result code (.*)|^Login Failure: (.*)`)
	})
)

// Bits of EAppUpdateState, the number in a progress line.
const (
	updateValidating    = 0x4
	updatePreallocating = 0x10
	updateDownloading   = 0x20
	updateStaging       = 0x40
	updateVerifying     = 0x80
	updateCommitting    = 0x100
)

// outputState is the state parsed from the output of one run.
type outputState struct {
	app        int
	step       string
	progress   left4me.Progress
	rate       rate
	done       bool     // SteamCMD reported success
	cause      Cause    // the last reported failure
	message    string   // SteamCMD's message for cause
	remaining  int64    // bytes left to download or write
	downloaded int64    // largest number of bytes downloaded
	ownOutput  bool     // a line was printed that only SteamCMD prints
	last       []string // last lines, at most lastLines
}

// line parses a line and returns the event to report for it.
func (s *outputState) line(text string, now time.Time) Event {
	text = strings.TrimSpace(text)
	e := Event{Line: text}
	s.ownOutput = s.ownOutput || ownLine().MatchString(text)
	s.keepLine(text)
	switch {
	case s.progressed(text, now, &e):
	case selfUpdate().MatchString(text):
		m := selfUpdate().FindStringSubmatch(text)
		s.enter(left4me.StepFindSteamCMD)
		s.count(kilobytes(m[1]), kilobytes(m[2]), now)
		e.Note = left4me.NewNote("steamcmd.updating_itself")
	case strings.HasPrefix(text, "Steam Console Client"), strings.HasPrefix(text, "Connecting anonymously to Steam"),
		strings.HasPrefix(text, "Logging in user "), strings.HasPrefix(text, "Waiting for "):
		s.enter(left4me.StepLogIn)
		s.failed(text)
	default:
		if m := succeeded().FindStringSubmatch(text); m != nil && m[1] == strconv.Itoa(s.app) {
			// A success outweighs earlier failures in the same run.
			s.done, s.cause, s.message = true, "", ""
			break
		}
		s.failed(text)
	}
	e.Step, e.Progress = s.step, s.progress
	return e
}

// enter begins a step and resets its progress.
func (s *outputState) enter(step string) {
	if s.step != step {
		s.step, s.progress, s.rate = step, left4me.Progress{}, rate{}
	}
}

// progressed parses a progress line and reports whether text is one.
func (s *outputState) progressed(text string, now time.Time, e *Event) bool {
	m := progressLine().FindStringSubmatch(text)
	if m == nil {
		return false
	}
	state, _ := strconv.ParseUint(m[1], 0, 32)
	done, _ := strconv.ParseInt(m[3], 10, 64)
	total, _ := strconv.ParseInt(m[4], 10, 64)
	switch {
	case state&updateCommitting != 0:
		s.enter(left4me.StepCommit)
	case state&updateVerifying != 0:
		s.enter(left4me.StepCommit)
		e.Note = left4me.NewNote("steamcmd.verifying_download")
		return true // the numbers count bytes that will be written afterwards
	case state&updateValidating != 0:
		s.enter(left4me.StepVerifyFiles)
	case state&updatePreallocating != 0:
		s.enter(left4me.StepDownload)
		e.Note = left4me.NewNote("steamcmd.reserving_space")
		return true // the numbers count bytes that will be downloaded afterwards
	case state&(updateDownloading|updateStaging) != 0:
		s.enter(left4me.StepDownload)
		s.downloaded = max(s.downloaded, done)
		s.remaining = max(0, total-done)
	default: // reconfiguring or stopping, between two steps
		return true
	}
	s.count(done, total, now)
	return true
}

func (s *outputState) count(done, total int64, now time.Time) {
	if total <= 0 || done > total {
		total = 0
	}
	s.progress = left4me.Progress{Done: done, Total: total, Unit: "bytes", Rate: s.rate.add(done, now)}
}

// kilobytes parses a number with separators, such as 39,758, and returns bytes.
func kilobytes(text string) int64 {
	n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 50)
	if err != nil {
		return 0
	}
	return n << 10
}

// failed parses a line that may report a failure.
func (s *outputState) failed(text string) {
	c, words := Cause(""), ""
	if m := notInstalled().FindStringSubmatch(text); m != nil {
		c, words = reasonCause(m[1]), m[1]
	} else if m := leftInState().FindStringSubmatch(text); m != nil {
		state, _ := strconv.ParseUint(m[1], 0, 32)
		c, words = stateCause(uint32(state)), fmt.Sprintf("it left the app in state 0x%x", state)
	} else if m := loginFailed().FindStringSubmatch(text); m != nil {
		words = strings.TrimSpace(m[1] + m[2] + m[3])
		c = loginCause(words)
	} else {
		c, words = phraseCause(text), strings.TrimPrefix(strings.ReplaceAll(text, "\t", ""), "[----] !!! ")
	}
	if c != "" {
		s.cause, s.message = c, words
	}
}

// phrases maps parts of lines without a fixed format to causes.
var phrases = []struct {
	text  string
	cause Cause
}{
	{"needs to be online", Offline},
	{"not online or not logged in", Offline},
	{"no space left on device", DiskFull},
	{"disk quota exceeded", DiskFull},
	{"read-only file system", NotWritable},
	{"permission denied", NotWritable},
	{"timed out waiting for appinfo", NoAppInfo},
	{"has not been authenticated for your account using steam guard", GuardNeeded},
	{"cannot execute", NotStarted},
	{"exec format error", NotStarted},
	{"required file not found", NotStarted},
	{"steamcmd: no such file or directory", NotStarted},
	{"error while loading shared libraries", NotStarted},
}

func phraseCause(text string) Cause {
	text = strings.ToLower(text)
	for _, p := range phrases {
		if strings.Contains(text, p.text) {
			return p.cause
		}
	}
	return ""
}

// reasonCause returns the cause for a reason in parentheses (EAppUpdateError).
func reasonCause(reason string) Cause {
	switch strings.ToLower(strings.TrimSpace(reason)) {
	case "invalid platform":
		return WrongPlatform
	case "no subscription", "missing decryption key", "not released", "region restricted":
		return NoSubscription
	case "no connection", "connection timeout", "no connection to content servers", "content unavailable", "timeout":
		return Offline
	case "not enough disk space", "not enough disk quota":
		return DiskFull
	case "disk write failure", "waiting for disk":
		return WriteFailed
	case "missing file permissions", "invalid install path", "invalid file system":
		return NotWritable
	case "missing configuration", "invalid application configuration", "invalid content configuration",
		"manifest unavailable", "missing manifest":
		return NoAppInfo
	case "corrupt game files", "corrupt update files", "corrupt depot cache", "corrupt download", "corrupt disk",
		"missing update files", "missing executable", "disk read failure", "not installed":
		return Corrupt
	case "update required", "still busy", "paused", "suspended", "canceled", "file locked":
		return Pending
	case "rate limit exceeded":
		return RateLimited
	}
	return Unexplained
}

// Bits of EAppState, the state of an app after a run of SteamCMD.
const (
	appFilesMissing  = 0x20
	appFilesCorrupt  = 0x80
	appUpdatePaused  = 0x200
	appUpdateStarted = 0x400
)

// stateCause returns the most likely cause of the state after a failed update. For WriteFailed, the
// caller examines disk and directory too.
func stateCause(state uint32) Cause {
	switch {
	case state&(appFilesMissing|appFilesCorrupt) != 0:
		return Corrupt
	case state&appUpdatePaused != 0 && state&appUpdateStarted == 0:
		return DiskFull // 0x202, 0x212
	case state&appUpdatePaused != 0:
		return WriteFailed // 0x602, 0x606
	case state&appUpdateStarted != 0:
		return Offline // 0x402
	}
	return Pending // 0x6, 0xE
}

// loginCause returns the cause for the message of a failed login (EResult).
func loginCause(words string) Cause {
	w := strings.ToLower(words)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(w, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("rate limit", "ratelimit", "throttle") || w == "84":
		return RateLimited
	case has("two-factor", "twofactor", "steam guard", "logon denied", "auth code") || w == "88":
		return GuardNeeded
	case has("password", "invalid account", "account not found"):
		return BadPassword
	case has("no connection", "connect", "timeout", "timed out", "service unavailable", "try another cm", "busy"):
		return Offline
	}
	return LoginRefused
}

// rate measures bytes per second, smoothed over several seconds. The zero value is ready to use.
type rate struct {
	done   int64
	at     time.Time
	smooth float64
	known  bool
}

// smoothing is the time constant: older measurements lose most of their weight after it.
const smoothing = 5 * time.Second

// add returns the rate after done bytes at the time now. It returns 0 until two different times are
// known.
func (r *rate) add(done int64, now time.Time) int64 {
	if r.at.IsZero() || done < r.done {
		*r = rate{done: done, at: now}
		return 0
	}
	passed := now.Sub(r.at)
	if passed < 50*time.Millisecond { // too short to measure; included in the next measurement
		return int64(r.smooth)
	}
	speed := float64(done-r.done) / passed.Seconds()
	if !r.known {
		r.smooth, r.known = speed, true
	} else {
		weight := min(1, passed.Seconds()/smoothing.Seconds())
		r.smooth += (speed - r.smooth) * weight
	}
	r.done, r.at = done, now
	return int64(r.smooth)
}
