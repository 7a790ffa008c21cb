package steamcmd

import "slices"

// remedy is something that is known to help when Steam doesn't give the game.
type remedy int

// The remedies. The first is what works when nothing is wrong.
const (
	asItIs     remedy = iota
	platforms         // as for Windows first, then for Linux: then the manifest is there that Steam asks for
	asOwner           // as somebody who owns the game
	verify            // compare every file
	freshCache        // forget what SteamCMD remembers of apps
)

// notes say what is tried.
var notes = map[remedy]string{
	platforms:  "Steam refuses the game for Linux: trying for Windows first, then for Linux",
	asOwner:    "trying with the account that owns the game",
	verify:     "trying again with all files verified",
	freshCache: "trying again with SteamCMD's cache emptied",
}

// helps are the remedies that are known to help against a cause, in the order of
// what they cost.
var helps = map[Cause][]remedy{
	WrongPlatform:  {platforms, asOwner, verify, freshCache},
	NoSubscription: {platforms, asOwner},
	Corrupt:        {verify, platforms, freshCache},
	Pending:        {verify, freshCache},
	NoAppInfo:      {freshCache},
	Unexplained:    {verify, freshCache},
}

// next says what to try against a cause when some remedies were tried.
func next(c Cause, tried []remedy, haveAccount bool) (remedy, bool) {
	for _, r := range helps[c] {
		if !slices.Contains(tried, r) && (r != asOwner || haveAccount) {
			return r, true
		}
	}
	return 0, false
}

// mayPass are the causes that time alone may mend.
var mayPass = []Cause{Offline, WriteFailed, NoAppInfo, Pending, Crashed, Unexplained}

// pass is one run of SteamCMD that installs.
type pass struct {
	platform string // empty for this machine's
	account  bool
	validate bool
}

// passes are the runs that a remedy consists of.
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
