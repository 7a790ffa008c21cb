package bus

import "github.com/left4me/left4me/internal/left4me"

// Verbs of Command that look for what is wrong.
const (
	VerbDoctor = "doctor" // Empty → []left4me.Check, of the host
	VerbReach  = "reach"  // ReachRequest → []left4me.Check, from the process to Steam
)

// ReachRequest asks why players can't join a server.
type ReachRequest struct {
	V      int          `json:"v"`
	Server left4me.Name `json:"server"`
	Shown  left4me.Name `json:"shown,omitempty"` // what people call it, for commands that mend; absent: the same
}
