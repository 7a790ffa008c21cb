package bus

// Verbs of Command on the game of a host.
const (
	VerbGame = "game" // Empty → left4me.Game
	VerbPin  = "pin"  // PinRequest → left4me.Game
)

// PinRequest pins the current build of a host, or lets it go.
type PinRequest struct {
	V      int  `json:"v"`
	Pinned bool `json:"pinned"`
}
