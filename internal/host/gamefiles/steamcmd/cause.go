package steamcmd

import (
	"errors"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// Cause is why SteamCMD failed. It is itself an error, so that
// errors.Is(err, steamcmd.DiskFull) asks for it.
type Cause string

// The causes.
const (
	Offline        Cause = "no connection to Steam"
	DiskFull       Cause = "disk full"
	NotWritable    Cause = "not writable"
	WriteFailed    Cause = "writing failed" // disk or network: SteamCMD doesn't say which
	NoSubscription Cause = "no subscription"
	WrongPlatform  Cause = "invalid platform"
	Corrupt        Cause = "files damaged or missing"
	NoAppInfo      Cause = "no information on the app"
	Pending        Cause = "update still pending"
	BadPassword    Cause = "invalid password"
	GuardNeeded    Cause = "Steam Guard code needed or wrong"
	RateLimited    Cause = "too many logins"
	LoginRefused   Cause = "login refused"
	NotStarted     Cause = "could not be run"
	Hung           Cause = "no output"
	TooLong        Cause = "took too long"
	Crashed        Cause = "crashed"
	Killed         Cause = "killed"
	NotKnown       Cause = "newest build not known"
	InUse          Cause = "in use"
	Unexplained    Cause = "unexplained"
)

func (c Cause) Error() string { return string(c) }

// explained says what a cause means to a person and what to do about it.
var explained = map[Cause]struct {
	kind       left4me.Kind
	text, hint string
}{
	Offline: {
		left4me.Unavailable, "SteamCMD could not reach Steam",
		"check this host's network, DNS and firewall (TCP 443 and 27015-27050 outwards), and whether Steam is down, then try again",
	},
	DiskFull: {
		left4me.DiskFull, "disk full",
		"make room and try again from the beginning: what was downloaded so far is removed, because servers write there too",
	},
	NotWritable: {left4me.Denied, "SteamCMD can't write", ""},
	WriteFailed: {
		left4me.Unavailable, "SteamCMD could not write what it downloaded",
		"check the disk's space, quota and health, then try again",
	},
	NoSubscription: {left4me.Denied, "Steam doesn't give the game to this account", hintOwner},
	WrongPlatform: {
		left4me.Unavailable,
		"Steam doesn't give the game for Linux without an account, and what else is known to help did not", hintOwner,
	},
	Corrupt: {
		left4me.Unavailable, "files are damaged or missing, and verifying them did not mend it",
		"check the disk's health, then try again",
	},
	NoAppInfo: {left4me.Unavailable, "Steam gave no information on the game", "try again in some minutes"},
	Pending:   {left4me.Unavailable, "SteamCMD left the update unfinished", "try again"},
	BadPassword: {
		left4me.Denied, "Steam says that the password is wrong",
		"correct LEFT4ME_STEAM_USER and LEFT4ME_STEAM_PASSWORD in /etc/left4me/steam.env",
	},
	GuardNeeded: {
		left4me.Denied, "Steam wants a Steam Guard code, or another one",
		"log in once by hand in SteamCMD's home, or use an account without Steam Guard that owns the game",
	},
	RateLimited: {
		left4me.Busy, "Steam refuses logins because there were too many",
		"wait at least half an hour before the next try: every try makes it longer",
	},
	LoginRefused: {left4me.Denied, "Steam refused the login", "check the account in /etc/left4me/steam.env"},
	NotStarted:   {left4me.Unavailable, "SteamCMD could not be run", "left4me doctor says what this host lacks"},
	Hung:         {left4me.Unavailable, "SteamCMD printed nothing for %s", "try again; if it stays so, its logs in %s say more"},
	TooLong:      {left4me.Unavailable, "SteamCMD was not finished after %s", "try again: what was downloaded so far is kept"},
	Crashed:      {left4me.Unavailable, "SteamCMD crashed", "try again; if it stays so, remove its directory and left4me fetches it anew"},
	Killed:       {left4me.Unavailable, "SteamCMD was killed", "if nobody did it, memory ran out: the kernel's log says so"},
	NotKnown: {
		left4me.Unavailable, "Steam does not say what the newest build is",
		"an update brings the newest build nevertheless; logged in with an account that owns the game Steam says more",
	},
	InUse:       {left4me.Busy, "SteamCMD is at work already", "wait until it is done"},
	Unexplained: {left4me.Unavailable, "SteamCMD failed without saying why", "the job's log has what it printed"},
}

const hintOwner = "give left4me a Steam account that owns Left 4 Dead 2: LEFT4ME_STEAM_USER and LEFT4ME_STEAM_PASSWORD in " +
	"/etc/left4me/steam.env"

// failure is an error with a cause; words are what SteamCMD said, or what was
// found.
func failure(c Cause, words string) *left4me.Error {
	e := explained[c]
	if words != "" {
		e.text += ": " + words
	}
	return &left4me.Error{Kind: e.kind, Text: e.text, Hint: e.hint, Err: c}
}

// failuref fills in what the texts of a cause leave open.
func failuref(c Cause, text, hint any) *left4me.Error {
	e := explained[c]
	return &left4me.Error{Kind: e.kind, Text: fmt.Sprintf(e.text, text), Hint: fill(e.hint, hint), Err: c}
}

func fill(hint string, with any) string {
	if with == nil {
		return hint
	}
	return fmt.Sprintf(hint, with)
}

// causeOf is the cause of an error of this package.
func causeOf(err error) Cause {
	var c Cause
	if errors.As(err, &c) {
		return c
	}
	return Unexplained
}
