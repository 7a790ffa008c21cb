package steamcmd

import (
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// remedy is a change of procedure that is known to help when an installation fails.
type remedy int

// Remedies. The first is the normal procedure.
const (
	normal     remedy = iota
	platforms         // install for Windows first, then for Linux: Steam then finds the manifest that it asks for
	asOwner           // log in with the account that owns the game
	verify            // verify every file
	freshCache        // delete SteamCMD's cache of app information
)

// note announces a remedy.
func (r remedy) note() left4me.Note {
	switch r {
	case platforms:
		return left4me.NewNote("steamcmd.try_platforms")
	case asOwner:
		return left4me.NewNote("steamcmd.try_owner")
	case verify:
		return left4me.NewNote("steamcmd.try_verified")
	case freshCache:
		return left4me.NewNote("steamcmd.try_fresh_cache")
	}
	return left4me.Note{}
}

// remediesFor maps a cause to the remedies that are known to help, the cheapest first.
var remediesFor = map[Cause][]remedy{
	WrongPlatform:  {platforms, asOwner, verify, freshCache},
	NoSubscription: {platforms, asOwner},
	Corrupt:        {verify, platforms, freshCache},
	Pending:        {verify, freshCache},
	NoAppInfo:      {freshCache},
	Unexplained:    {verify, freshCache},
}

// next returns the next remedy for a cause after those in tried.
func next(c Cause, tried []remedy, haveAccount bool) (remedy, bool) {
	for _, r := range remediesFor[c] {
		if !slices.Contains(tried, r) && (r != asOwner || haveAccount) {
			return r, true
		}
	}
	return 0, false
}

// temporary lists the causes that may disappear without a remedy.
var temporary = []Cause{Offline, WriteFailed, NoAppInfo, Pending, Crashed, Unexplained}

// pass is one run of SteamCMD for an installation.
type pass struct {
	platform string // empty for this machine's platform
	account  bool
	validate bool
}

// passes returns the runs that a remedy consists of.
func (r remedy) passes(validate, haveAccount bool, tried []remedy) []pass {
	switch r {
	case platforms:
		return []pass{{platform: "windows"}, {platform: "linux", validate: true}}
	case asOwner:
		return []pass{{account: true, validate: true}}
	case verify:
		return []pass{{account: haveAccount && slices.Contains(tried, asOwner), validate: true}}
	case freshCache:
		if slices.Contains(tried, platforms) {
			return platforms.passes(validate, haveAccount, tried)
		}
		return []pass{{validate: true}}
	}
	return []pass{{validate: validate}}
}
