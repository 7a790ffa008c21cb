package game

import (
	"fmt"
	"net/netip"

	"github.com/left4me/left4me/source/srcdslog"
)

// firstAccount begins the range of Steam accounts used here, at the far end of the 32 bits: they belong to nobody.
const firstAccount = 4294900000

// person is somebody who may come to play.
type person struct {
	name    string
	steamID srcdslog.SteamID
	address netip.AddrPort
}

// invented are the nicknames of those who come by themselves. Some are what a display must get right: markup, quotes,
// a log token, format verbs, text that runs backwards, wide and joined characters, almost nothing. The engine's limit
// is 31 bytes.
var invented = []string{
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

// people are those who play here.
func people() []person {
	list := make([]person, len(invented))
	for i, name := range invented {
		list[i] = newPerson(name, i)
	}
	return list
}

// newPerson is the n-th person. The addresses are of the blocks reserved for documentation.
func newPerson(name string, n int) person {
	net := "192.0.2"
	if n%2 == 1 {
		net = "198.51.100"
	}
	address := netip.MustParseAddr(fmt.Sprintf("%s.%d", net, 1+n%250))
	return person{name, srcdslog.FromAccount(firstAccount + uint32(n)), netip.AddrPortFrom(address, uint16(27005+n%9))}
}

// said is what people say.
var said = []string{
	"hi", "hello all", "gg", "wp", "brb", "afk 2 min", "anyone got pills?", "tank!", "TANK TANK TANK", "wait for me",
	"rush or no?", "who took my molotov", "nice shot", "sorry, my bad", "stop shooting the car", "witch ahead, lights off",
	"heal up first", "lag?", "next map?", "one more try", "где аптечка?", "lol", "ty", "np", "👍",
	`"heal first" they said`, "<b>bold move</b>", "the crown is mine", "same lobby tomorrow?", "back, what did i miss",
}

// survivors are the bots of the two casts, with their names in the log.
var survivors = [2][4]struct{ name, character string }{
	{{"Nick", "Gambler"}, {"Rochelle", "Producer"}, {"Coach", "Coach"}, {"Ellis", "Mechanic"}},
	{{"Bill", "NamVet"}, {"Zoey", "TeenGirl"}, {"Francis", "Biker"}, {"Louis", "Manager"}},
}

// special are the infected that the director sends.
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
