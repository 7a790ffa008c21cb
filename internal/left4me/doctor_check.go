package left4me

// CheckState is the result of a check.
type CheckState string

// The states. CheckBroken keeps servers from running or players from joining; CheckWarn does not,
// or affects only some of them.
const (
	CheckOK      CheckState = "ok"
	CheckWarn    CheckState = "warn"
	CheckBroken  CheckState = "broken"
	CheckSkipped CheckState = "skipped" // could not be checked
)

// Check is the result of one check of a host or a server.
type Check struct {
	Name  string     `json:"name"`
	State CheckState `json:"state" enum:"ok,warn,broken,skipped"`
	Text  string     `json:"text"` // the finding
	Mend  string     `json:"mend,omitempty" doc:"What to do about it; commands are enclosed in backquotes"`
}

// Healthy reports whether no check is broken.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.State == CheckBroken {
			return false
		}
	}
	return true
}

// FirstWrong returns the first broken check, or else the first check with a warning. ok is false if
// there is neither.
func FirstWrong(checks []Check) (first Check, ok bool) {
	for _, state := range []CheckState{CheckBroken, CheckWarn} {
		for _, c := range checks {
			if c.State == state {
				return c, true
			}
		}
	}
	return Check{}, false
}
