package steamcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/source/vdf"
)

// latestWithin is the deadline for asking Steam for the newest build.
const latestWithin = 10 * time.Minute

// Latest asks Steam anonymously for the newest build of an app in a branch; "" is the public
// branch. It returns within 5 s after ctx ends. Errors: NotKnown if Steam's answer does not contain
// the build, which says nothing about updates; Offline if Steam cannot be reached.
func (t Tool) Latest(ctx context.Context, app int, branch string) (int64, error) {
	return t.LatestFor(ctx, Account{}, app, branch)
}

// LatestFor is like Latest but logs in with an account. Steam sends more information to owners of
// an app.
func (t Tool) LatestFor(ctx context.Context, a Account, app int, branch string) (int64, error) {
	limits := t.Limits.withDefaults()
	within := min(latestWithin, limits.Whole)
	ctx, cancel := context.WithTimeoutCause(ctx, within, tooLong(within))
	defer cancel()
	if err := errors.Join(a.check(), usable(t.Script), t.Libraries()); err != nil {
		return 0, err
	}
	unlock, err := t.lock()
	if err != nil {
		return 0, err
	}
	defer unlock()
	branch = cmp.Or(branch, "public")
	for try := range 2 {
		if try > 0 { // SteamCMD's cached answer may be outdated
			if err := t.clearAppCache(); err != nil {
				return 0, err
			}
		}
		var build int64
		if build, err = t.askFor(ctx, a, app, branch, limits.Silence); err == nil {
			return build, nil
		}
		if ctx.Err() != nil || !slices.Contains([]Cause{NotKnown, NoAppInfo, Offline, Crashed}, causeOf(err)) {
			break
		}
	}
	return 0, err
}

func (t Tool) askFor(ctx context.Context, a Account, app int, branch string, silence time.Duration) (int64, error) {
	c := newCommands("", a)
	c.add("app_info_update", "1")
	// The first command may print nothing, because the answer has not arrived yet.
	c.add("app_info_print", fmt.Sprint(app))
	c.add("app_info_print", fmt.Sprint(app))
	s := outputState{app: app}
	info := appInfo{app: app}
	end, err := t.run(ctx, c, silence, func(line string) {
		if !info.line(line) {
			s.line(line, time.Now())
		}
	})
	if err != nil {
		return 0, err
	}
	build, known := info.build(branch)
	switch {
	case known:
		return build, nil
	case end.hung:
		return 0, t.hung(silence)
	case info.text == "" && s.cannotRun(end):
		return 0, t.cannotRun(s, end)
	case s.cause == LoginRefused && a.User == "":
		return 0, failure(Offline, s.message)
	case s.cause != "":
		return 0, failure(s.cause, s.message)
	case info.text != "" || end.code == 0:
		return 0, failure(NotKnown, "")
	}
	return 0, end.explain()
}

// appInfo collects the answer of app_info_print: KeyValues mixed with other lines. If there are
// several answers, the last complete one counts.
type appInfo struct {
	app   int
	text  string // the last complete answer
	begun strings.Builder
	depth int
	open  bool // the current answer is incomplete
}

// line adds a line of output and reports whether it belongs to an answer.
func (a *appInfo) line(text string) bool {
	text = strings.TrimSpace(text)
	if !a.open {
		if text != fmt.Sprintf("%q", strconv.Itoa(a.app)) {
			return false
		}
		a.begin()
	}
	switch text {
	case "{":
		a.depth++
	case "}":
		a.depth--
	default:
		if !strings.HasPrefix(text, `"`) {
			return false // unrelated output in between
		}
	}
	if a.begun.Len()+len(text) >= vdf.MaxSize || a.depth < 0 || a.depth > vdf.MaxDepth {
		a.open = false
		return true
	}
	a.begun.WriteString(text)
	a.begun.WriteByte('\n')
	if text == "}" && a.depth == 0 {
		a.text, a.open = a.begun.String(), false
	}
	return true
}

func (a *appInfo) begin() {
	a.begun.Reset()
	a.depth, a.open = 0, true
}

// build returns the newest build of a branch. It returns false if the answer does not contain one.
func (a *appInfo) build(branch string) (int64, bool) {
	root, err := vdf.Parse([]byte(a.text), vdf.Options{Escapes: true})
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(root.Text(strconv.Itoa(a.app), "depots", "branches", branch, "buildid"), 10, 64)
	return n, err == nil && n > 0
}
