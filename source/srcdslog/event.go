package srcdslog

import (
	"errors"
	"time"
)

// ErrNoTime is returned for a line that doesn't begin with "L" and a time.
var ErrNoTime = errors.New("line without a time")

// ErrTorn is returned for a line that another print cut or ran into, or that is longer than [MaxLine].
var ErrTorn = errors.New("torn line")

// MaxLine bounds a line, in bytes. The longest of 125,000 lines of real servers had 1,135.
const MaxLine = 4096

// Kind of an event. Beside each stand the fields of [Event] that it sets.
type Kind string

// Kinds of events.
const (
	Unknown      Kind = ""              // Message only, and Player if it begins with one
	Connected    Kind = "connected"     // Player, Address ("none" for bots)
	Validated    Kind = "validated"     // Player
	Entered      Kind = "entered"       // Player
	JoinedTeam   Kind = "joined_team"   // Player, Team
	Renamed      Kind = "renamed"       // Player with the old name, Text the new one
	Said         Kind = "said"          // Player, Text, TeamOnly, Dead
	Disconnected Kind = "disconnected"  // Player, Text the reason
	Spawned      Kind = "spawned"       // Player
	Killed       Kind = "killed"        // Player the killer (nil for the world), Target, Weapon, Headshot
	Attacked     Kind = "attacked"      // Player the attacker, Target, Weapon, Damage
	Incapped     Kind = "incapped"      // Player the attacker (nil for the world), Target who went down, Weapon (may be empty)
	Suicide      Kind = "suicide"       // Player, Weapon
	Triggered    Kind = "triggered"     // Name; Player, or Team, or neither for the world; Target
	MapLoading   Kind = "map_loading"   // Map
	MapStarted   Kind = "map_started"   // Map
	CvarsStart   Kind = "cvars_start"   // the list of Cvar events of a new map begins
	CvarsEnd     Kind = "cvars_end"     //
	Cvar         Kind = "cvar"          // Name, Value
	Rcon         Kind = "rcon"          // Address, Text the command
	RconRefused  Kind = "rcon_refused"  // Address
	Kicked       Kind = "kicked"        // Player, By, Text the message
	Banned       Kind = "banned"        // Player (nil for an address), Address, By, Text how long
	LogStarted   Kind = "log_started"   // Text the file
	LogClosed    Kind = "log_closed"    //
	PluginOutput Kind = "plugin_output" // Name of the plugin, Text
)

// Event is a line of the log. Which fields are set stands at the kinds.
type Event struct {
	Kind    Kind
	At      time.Time // the server's local time: the line has no zone; resolution one second
	Message string    // the line without its time

	Player *Player // who did it
	Target *Player // to whom
	Team   string
	Text   string
	Name   string
	Value  string
	Map    string
	Weapon string
	Damage int
	// Address is "1.2.3.4:27005", an IP alone for a ban.
	Address  string
	By       string // name only
	TeamOnly bool   // chat to the team
	Dead     bool   // chat of a dead player
	Headshot bool
}

// Parse reads a line, with or without its end. Its time is taken as UTC; see [ParseIn].
//
// A line without a time is an event of the kind Unknown and ErrNoTime. A line that is torn is an event of the kind
// Unknown, with its message and time only, and ErrTorn: half of one line and half of another make no event. There is no
// other error.
func Parse(line string) (Event, error) { return ParseIn(line, time.UTC) }
