package left4me

// CheckState is how something is that was looked at.
type CheckState string

// The states. What is broken keeps servers from running, or players from
// joining; a warning does not, or not all of them.
const (
	CheckOK      CheckState = "ok"
	CheckWarn    CheckState = "warn"
	CheckBroken  CheckState = "broken"
	CheckSkipped CheckState = "skipped" // it could not be looked at
)

// Check is one finding of somebody who looks at a machine or at a server.
type Check struct {
	Name  string     `json:"name"`
	State CheckState `json:"state" enum:"ok,warn,broken,skipped"`
	Text  string     `json:"text"` // what was found
	Mend  string     `json:"mend,omitempty" doc:"What to do about it; commands stand between backquotes"`
}

// Healthy reports whether nothing is broken.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.State == CheckBroken {
			return false
		}
	}
	return true
}

// FirstWrong is the first that is broken, or else the first that is warned of;
// ok is false when there is nothing to say.
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
