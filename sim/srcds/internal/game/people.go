package game

import (
	"fmt"
	"net/netip"

	"github.com/left4me/left4me/source/srcdslog"
)

// firstAccount is the first Steam account number used here, near the end of the 32-bit range, where no
// accounts exist.
const firstAccount = 4294900000

// person is a potential player.
type person struct {
	name    string
	steamID srcdslog.SteamID
	address netip.AddrPort
}

// nicknames contains the nicknames of players who join on their own. Some are difficult to display:
// markup, quotes, a log token, format verbs, right-to-left text, wide and combined characters, a single
// dot. The engine's limit is 31 bytes.
var nicknames = []string{
	"Grumblefitz",
	"Wobblewick",
	"<script>alert(1)</script>",
	"Zanzibar Pickle",
	`Quill "the Pan" Ottersby`,
	"moss_on_toast",
	"🧟 brainsoup 🍲",
	"Thistledrum",
	"not\u202egpj.exe",
	"Kettle&Sons",
	"Fizzlebark",
	"Ol' Puddlejump",
	"a<1><STEAM_1:0:1><Infected>",
	"Snorkelbeard",
	"%s%n%d 100%",
	"Überwürzel",
	"Ботинок-призрак",
	"眠い缶詰",
	"'; drop table pills;--",
	"Captain Marzipan",
	"👩‍🚒 Gloop",
	".",
	"Bogwaddle",
	"Nettlefoot",
	"Vexing Turnip",
	"Crumpetron 9",
	"C:\\temp\\new",
	"Dozy Lampwright",
	"Pemberquack",
	"Mx Gherkin",
}

// people returns the potential players.
func people() []person {
	list := make([]person, len(nicknames))
	for i, name := range nicknames {
		list[i] = newPerson(name, i)
	}
	return list
}

// newPerson returns the n-th person. The addresses are from the blocks reserved for documentation.
func newPerson(name string, n int) person {
	net := "192.0.2"
	if n%2 == 1 {
		net = "198.51.100"
	}
	address := netip.MustParseAddr(fmt.Sprintf("%s.%d", net, 1+n%250))
	return person{name, srcdslog.FromAccount(firstAccount + uint32(n)), netip.AddrPortFrom(address, uint16(27005+n%9))}
}

// chatMessages contains the chat messages of players.
var chatMessages = []string{
	"hi", "hello all", "gg", "wp", "brb", "afk 2 min", "anyone got pills?", "tank!", "TANK TANK TANK", "wait for me",
	"rush or no?", "who took my molotov", "nice shot", "sorry, my bad", "stop shooting the car", "witch ahead, lights off",
	"heal up first", "lag?", "next map?", "one more try", "где аптечка?", "lol", "ty", "np", "👍",
	`"heal first" they said`, "<b>bold move</b>", "the crown is mine", "same lobby tomorrow?", "back, what did i miss",
}

// survivors contains the names and log names of the two groups of survivors.
var survivors = [2][4]struct{ name, character string }{
	{{"Nick", "Gambler"}, {"Rochelle", "Producer"}, {"Coach", "Coach"}, {"Ellis", "Mechanic"}},
	{{"Bill", "NamVet"}, {"Zoey", "TeenGirl"}, {"Francis", "Biker"}, {"Louis", "Manager"}},
}

// special contains the special infected that the director sends.
var special = []struct {
	name, claw string
	health     int
}{
	{"Smoker", "smoker_claw", 250},
	{"Boomer", "boomer_claw", 50},
	{"Hunter", "hunter_claw", 250},
	{"Spitter", "spitter_claw", 100},
	{"Jockey", "jockey_claw", 325},
	{"Charger", "charger_claw", 600},
	{"Tank", "tank_claw", 4000},
}

var weapons = []string{
	"rifle", "rifle_ak47", "rifle_desert", "autoshotgun", "shotgun_spas", "pumpshotgun", "smg", "smg_silenced",
	"hunting_rifle", "sniper_military", "pistol", "pistol_magnum", "melee", "pipe_bomb", "inferno", "chainsaw",
}
