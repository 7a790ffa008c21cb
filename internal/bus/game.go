package bus

// Verbs of Command for the game of a host.
const (
	VerbGame = "game" // Empty → left4me.Game
	VerbPin  = "pin"  // PinRequest → left4me.Game
)

// PinRequest pins or unpins the current build of a host.
type PinRequest struct {
	V      int  `json:"v"`
	Pinned bool `json:"pinned"`
}
