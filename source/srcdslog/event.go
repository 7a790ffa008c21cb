package srcdslog

import (
	"errors"
	"time"
)

// ErrNoTime is returned for a line that does not begin with "L" and a time.
var ErrNoTime = errors.New("line without a time")

// ErrTorn is returned for a line that was truncated or mixed with other output, or that is longer than
// [MaxLine].
var ErrTorn = errors.New("torn line")

// MaxLine is the maximum length of a line in bytes. The longest of 125,000 lines of real servers had
// 1,135.
const MaxLine = 4096

// Kind is the kind of an event. The comment of each kind lists the fields of [Event] that it sets.
type Kind string

// Event kinds.
const (
	Unknown      Kind = ""              // Message, and Player if the message begins with one
	Connected    Kind = "connected"     // Player, Address ("none" for bots)
	Validated    Kind = "validated"     // Player
	Entered      Kind = "entered"       // Player
	JoinedTeam   Kind = "joined_team"   // Player, Team
	Renamed      Kind = "renamed"       // Player (with the old name), Text (new name)
	Said         Kind = "said"          // Player, Text, TeamOnly, Dead
	Disconnected Kind = "disconnected"  // Player, Text (reason)
	Spawned      Kind = "spawned"       // Player
	Killed       Kind = "killed"        // Player (killer; nil for the world), Target, Weapon, Headshot
	Attacked     Kind = "attacked"      // Player (attacker), Target, Weapon, Damage
	Incapped     Kind = "incapped"      // Player (attacker; nil for the world), Target (incapacitated player), Weapon (may be empty)
	Suicide      Kind = "suicide"       // Player, Weapon
	Triggered    Kind = "triggered"     // Name, Player or Team (neither for the world), Target
	MapLoading   Kind = "map_loading"   // Map
	MapStarted   Kind = "map_started"   // Map
	CvarsStart   Kind = "cvars_start"   // start of the Cvar events of a new map
	CvarsEnd     Kind = "cvars_end"     //
	Cvar         Kind = "cvar"          // Name, Value
	Rcon         Kind = "rcon"          // Address, Text (command)
	RconRefused  Kind = "rcon_refused"  // Address
	Kicked       Kind = "kicked"        // Player, By, Text (message)
	Banned       Kind = "banned"        // Player (nil for an address), Address, By, Text (duration)
	LogStarted   Kind = "log_started"   // Text (file name)
	LogClosed    Kind = "log_closed"    //
	PluginOutput Kind = "plugin_output" // Name (plugin), Text
)

// Event is a line of the log. The comment of its Kind lists the fields that are set.
type Event struct {
	Kind    Kind
	At      time.Time // server's local time, because the line has no time zone; resolution 1 s
	Message string    // line without its time

	Player *Player // player who acted
	Target *Player // player who was affected
	Team   string
	Text   string
	Name   string
	Value  string
	Map    string
	Weapon string
	Damage int
	// Address is "1.2.3.4:27005", or an IP address alone for a ban.
	Address  string
	By       string // name only
	TeamOnly bool   // team chat
	Dead     bool   // chat of a dead player
	Headshot bool
}

// Parse parses a line, with or without its line end. It interprets the time as UTC; see [ParseIn].
//
// For a line without a time, Parse returns an event of the kind Unknown and ErrNoTime. For a torn line,
// it returns an event of the kind Unknown with Message and At only, and ErrTorn, because the halves of
// two lines do not form an event. There are no other errors.
func Parse(line string) (Event, error) { return ParseIn(line, time.UTC) }
