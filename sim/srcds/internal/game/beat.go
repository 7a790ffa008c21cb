package game

import (
	"slices"
	"strings"
	"time"
)

// Beat advances the game by one beat: a player may join or leave, and the connected players act.
func (g *Game) Beat(now time.Time) Outcome {
	if g.average == 0 {
		return Goes
	}
	g.now = now
	for _, p := range g.humans() {
		if p.State != Active {
			g.advance(p, now)
		}
		p.Ping = min(max(p.Ping+g.rng.IntN(11)-5, 5), 250)
		p.Loss = max(0, g.rng.IntN(20)-18)
	}
	g.adjustPlayers(now)
	g.moveBots()
	active := slices.DeleteFunc(g.humans(), func(p *Player) bool { return p.State != Active })
	if len(active) == 0 {
		return Goes
	}
	g.beats++
	if g.beats == 3 {
		if s := g.pick(isFighter); s != nil {
			g.Log(`"%s" triggered "first_survivor_left"`, s.Token())
		}
	}
	for range 1 + g.rng.IntN(2) {
		g.act(active[g.rng.IntN(len(active))])
	}
	if g.beats < g.length {
		return Goes
	}
	if g.rng.IntN(6) == 0 {
		g.Log(`Team "Survivor" triggered "mission_lost"`)
		return Lost
	}
	g.Log(`World triggered "Round_Win"`)
	return Completed
}

// adjustPlayers moves the number of players towards the target, which varies around the average.
func (g *Game) adjustPlayers(now time.Time) {
	if g.rng.IntN(15) == 0 {
		spread := 1 + g.average/2
		g.target = g.average + g.rng.IntN(2*spread+1) - spread
	}
	target := min(max(g.target, 0), g.rules.Most)
	humans := g.humans()
	switch {
	case len(humans) < target && g.rng.IntN(3) > 0:
		who := g.people[g.rng.IntN(len(g.people))]
		if g.mayJoin(who) {
			g.connect(who, false, now)
			g.fillBots(now)
		}
	case len(humans) > target && g.rng.IntN(3) > 0:
		p := humans[g.rng.IntN(len(humans))]
		reason := "Disconnect by user."
		switch g.rng.IntN(8) {
		case 0:
			reason = p.Name + " timed out"
		case 1:
			reason = "No Steam logon\n"
		}
		g.Leave(p, reason, now)
	}
}

// moveBots removes the infected bots whose time is over.
func (g *Game) moveBots() {
	for _, p := range slices.Clone(g.players) {
		if !p.Bot || p.Team != Infected {
			continue
		}
		if p.leaveAfter--; p.leaveAfter <= 0 {
			g.killSpecial(p)
		}
	}
}

func isFighter(p *Player) bool { return p.Team == Survivor && p.State == Active && !p.dead }

// pick returns a random player that matches, or nil.
func (g *Game) pick(is func(*Player) bool) *Player {
	list := slices.DeleteFunc(slices.Clone(g.players), func(p *Player) bool { return !is(p) })
	if len(list) == 0 {
		return nil
	}
	return list[g.rng.IntN(len(list))]
}

// act performs a random action of a player.
func (g *Game) act(p *Player) {
	p.position[0] += g.rng.Float64()*400 - 100
	p.yaw = g.rng.Float64() * 360
	switch n := g.rng.IntN(100); {
	case n < 14:
		g.talk(p)
	case n < 16:
		g.changeTeam(p)
	case n < 17:
		g.rename(p)
	case n < 40:
		g.sendSpecial()
	case n < 62:
		if s := g.pick(func(o *Player) bool { return o.Bot && o.Team == Infected }); s != nil {
			g.killSpecial(s)
		}
	case n < 80:
		g.attackBy()
	case n < 90:
		g.friendlyFire()
	case n < 94:
		g.rescue()
	case n < 98:
		if isFighter(p) {
			p.Score++
			g.Log(`(DEATH)"%s" killed "%s" with "%s"`, p.Extended(), g.common(p, true), g.weapon())
		}
	default:
		p.Score += g.rng.IntN(9)
	}
}

func (g *Game) talk(p *Player) {
	verb, dead := "say", ""
	if g.rng.IntN(3) == 0 {
		verb = "say_team"
	}
	if p.dead {
		dead = " (dead)"
	}
	g.Log(`"%s" %s "%s"%s`, p.Token(), verb, chatMessages[g.rng.IntN(len(chatMessages))], dead)
}

func (g *Game) changeTeam(p *Player) {
	team := Spectator
	switch {
	case p.Team == Spectator:
		team = Survivor
	case g.rules.Versus && p.Team == Survivor && g.rng.IntN(2) == 0:
		team = Infected
	case p.Team == Infected:
		team = Survivor
	}
	if team == Survivor && g.pick(func(o *Player) bool { return o.Bot && o.Team == Survivor }) == nil {
		return // no free slot
	}
	p.Character = ""
	p.Team = Unassigned
	g.joinTeam(p, team)
	g.fillBots(g.now)
}

// rename adds a suffix to a name, or removes it.
func (g *Game) rename(p *Player) {
	const away = " [afk]"
	name, was := strings.CutSuffix(p.Name, away)
	if !was {
		name += away
	}
	if len(name) > maxName {
		return
	}
	g.Log(`"%s" changed name to "%s"`, p.Token(), name)
	p.Name = name
}

// sendSpecial adds an infected bot, up to three.
func (g *Game) sendSpecial() {
	if g.count(func(p *Player) bool { return p.Bot && p.Team == Infected }) >= 3 {
		return
	}
	kind := special[g.rng.IntN(len(special))]
	if kind.name == "Tank" && g.rng.IntN(4) > 0 {
		return
	}
	p := g.connect(person{name: kind.name}, true, g.now)
	p.Team, p.Character, p.health = Infected, strings.ToUpper(kind.name), kind.health
	p.leaveAfter = 3 + g.rng.IntN(6)
	g.Log(`"%s" spawned`, p.Extended())
}

func (g *Game) killSpecial(victim *Player) {
	by := g.pick(isFighter)
	if by != nil {
		victim.dead, victim.health = true, 0
		shot := ""
		if g.rng.IntN(4) == 0 {
			shot = " (headshot)"
		}
		by.Score++
		g.Log(`(DEATH)"%s" killed "%s" with "%s"%s`, by.Extended(), victim.Extended(), g.weapon(), shot)
	}
	g.remove(victim, "Kicked by Console")
}

// attackBy lets an infected hit a survivor, who may be incapacitated and, if that happened before, die.
func (g *Game) attackBy() {
	by := g.pick(func(p *Player) bool { return p.Team == Infected && p.Character != "" && !p.dead })
	victim := g.pick(isFighter)
	if by == nil || victim == nil {
		return
	}
	claw := strings.ToLower(by.Character) + "_claw"
	damage := 3 + g.rng.IntN(20)
	if by.Character == "TANK" {
		damage = 24
	}
	by.Score += damage
	if victim.health > damage {
		victim.health -= damage
		g.Log(`"%s" attacked "%s" with "%s" (damage "%d")`, by.Extended(), victim.Extended(), claw, damage)
		return
	}
	victim.health = 1
	if victim.temp == 0 {
		victim.temp, victim.down = 30, true
		g.Log(`(INCAP)"%s" was incapped by "%s" with "%s"`, victim.Extended(), by.Extended(), claw)
		return
	}
	victim.dead, victim.down, victim.health, victim.temp = true, false, 0, 0
	g.Log(`(DEATH)"%s" killed "%s" with "%s"`, by.Extended(), victim.Extended(), claw)
}

func (g *Game) friendlyFire() {
	by, victim := g.pick(isFighter), g.pick(isFighter)
	if by == nil || by == victim || victim.health < 10 {
		return
	}
	victim.health--
	g.Log(`"%s" attacked "%s" with "%s" (damage "1")`, by.Extended(), victim.Extended(), g.weapon())
}

// rescue revives a dead survivor, or heals one if nobody is dead.
func (g *Game) rescue() {
	p := g.pick(func(p *Player) bool { return p.Team == Survivor && p.dead })
	if p == nil {
		p = g.pick(func(p *Player) bool { return isFighter(p) && p.health < 60 })
	}
	if p != nil {
		p.dead, p.down, p.health, p.temp = false, false, 80, 0
	}
}

func (g *Game) weapon() string { return weapons[g.rng.IntN(len(weapons))] }
