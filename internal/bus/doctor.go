package bus

import "github.com/left4me/left4me/internal/left4me"

// Verbs of Command for diagnosis.
const (
	VerbDoctor = "doctor" // Empty → []left4me.Check, of the host
	VerbReach  = "reach"  // ReachRequest → []left4me.Check, from the process up to Steam
)

// ReachRequest requests a connectivity check of a server.
type ReachRequest struct {
	V      int          `json:"v"`
	Server left4me.Name `json:"server"`
	Shown  left4me.Name `json:"shown,omitempty"` // current name for suggested commands, if different from Server
	// Address is the host that players connect to, if it is set; empty: the host detects it.
	Address string `json:"address,omitempty"`
}
