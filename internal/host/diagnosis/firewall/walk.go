package firewall

import (
	"encoding/json"
	"slices"
)

// Limits of the simulation. The kernel allows 16 nested jumps. A machine that bans many addresses
// has several thousand rules.
const (
	deepest  = 16
	longWalk = 100_000
)

// walk simulates the path of one packet through the chains.
type walk struct {
	ruleset  Ruleset
	protocol string
	port     int
	steps    int
	doubt    bool // a rule might have accepted the packet
}

type end int

const (
	goesOn end = iota
	accepts
	drops
	returns
)

// fit is the result of matching a rule against the packet.
type fit int

const (
	no fit = iota
	maybe
	yes
)

func (w *walk) chain(k chainKey, depth int) end {
	c := w.ruleset.chains[k]
	if c == nil || depth > deepest {
		return goesOn
	}
	for _, r := range c.rules {
		if w.steps++; w.steps > longWalk {
			w.doubt = true
			return goesOn
		}
		switch e := w.rule(r, k, depth); e {
		case accepts, drops:
			return e
		case returns:
			return goesOn
		}
	}
	return goesOn
}

// rule applies one rule. A rule that may or may not match is assumed not to drop the packet: rate
// limits against floods are such rules and let players through.
func (w *walk) rule(r rule, k chainKey, depth int) end {
	fits, named := yes, false
	for _, e := range r.Expr {
		for kind, body := range e {
			switch kind {
			case "match":
				f, port := w.match(body, k)
				fits, named = min(fits, f), named || port && f == yes
			case "limit", "xt":
				fits = min(fits, maybe)
			case "accept":
				if fits == yes || fits == maybe && named {
					return accepts
				}
				w.doubt = w.doubt || fits == maybe
			case "drop", "reject":
				if fits == yes {
					return drops
				}
			case "return":
				if fits == yes {
					return returns
				}
			case "jump", "goto":
				if fits == no {
					continue
				}
				e := w.chain(chainKey{k.family, k.table, target(body)}, depth+1)
				switch {
				case fits == yes && e != goesOn:
					return e
				case fits == yes && kind == "goto":
					return returns
				case e == accepts:
					w.doubt = true
				}
			case "vmap":
				w.doubt = true
			}
		}
	}
	return goesOn
}

func target(body json.RawMessage) string {
	var t struct {
		Target string `json:"target"`
	}
	_ = json.Unmarshal(body, &t) // an unknown target matches no chain
	return t.Target
}

// match compares one property of the packet. port reports whether the property is the port.
func (w *walk) match(body json.RawMessage, k chainKey) (f fit, port bool) {
	var m struct {
		Op   string `json:"op"`
		Left struct {
			Meta    *struct{ Key string }             `json:"meta"`
			CT      *struct{ Key string }             `json:"ct"`
			Payload *struct{ Protocol, Field string } `json:"payload"`
		} `json:"left"`
		Right json.RawMessage `json:"right"`
	}
	if json.Unmarshal(body, &m) != nil {
		return maybe, false
	}
	is := maybe
	switch l := m.Left; {
	case l.Payload != nil && l.Payload.Field == "dport" && slices.Contains([]string{"udp", "tcp", "th"}, l.Payload.Protocol):
		if l.Payload.Protocol != "th" && l.Payload.Protocol != w.protocol {
			return no, true
		}
		port, is = true, w.holds(m.Right, k)
	case l.Meta != nil && l.Meta.Key == "l4proto", l.Payload != nil && l.Payload.Field == "protocol":
		is = oneOf(m.Right, w.protocol)
	case l.Meta != nil && (l.Meta.Key == "iifname" || l.Meta.Key == "iif"):
		if oneOf(m.Right, "lo") == yes {
			is = no
		}
	case l.CT != nil && l.CT.Key == "state":
		is = oneOf(m.Right, "new")
	}
	switch {
	case m.Op == "!=" && is != maybe:
		is = yes - is
	case m.Op != "==" && m.Op != "in" && m.Op != "":
		is = maybe
	}
	return is, port
}

// oneOf reports whether name equals right or is an element of it.
func oneOf(right json.RawMessage, name string) fit {
	var one string
	if json.Unmarshal(right, &one) == nil {
		if one == name {
			return yes
		}
		return no
	}
	var list []string
	if json.Unmarshal(right, &list) != nil {
		var set struct {
			Set []string `json:"set"`
		}
		if json.Unmarshal(right, &set) != nil {
			return maybe
		}
		list = set.Set
	}
	if slices.Contains(list, name) {
		return yes
	}
	return no
}

// holds reports whether the port equals right, or is in its range or set.
func (w *walk) holds(right json.RawMessage, k chainKey) fit {
	var name string
	if json.Unmarshal(right, &name) == nil && len(name) > 1 && name[0] == '@' {
		elements, ok := w.ruleset.sets[chainKey{k.family, k.table, name[1:]}]
		if !ok {
			return maybe
		}
		return w.among(elements)
	}
	var set struct {
		Set json.RawMessage `json:"set"`
	}
	if json.Unmarshal(right, &set) == nil && set.Set != nil {
		return w.among(set.Set)
	}
	return w.equals(right)
}

func (w *walk) among(list json.RawMessage) fit {
	var all []json.RawMessage
	if len(list) == 0 {
		return no
	}
	if json.Unmarshal(list, &all) != nil {
		return maybe
	}
	best := no
	for _, one := range all {
		best = max(best, w.equals(one))
	}
	return best
}

func (w *walk) equals(right json.RawMessage) fit {
	var n int
	if json.Unmarshal(right, &n) == nil {
		if n == w.port {
			return yes
		}
		return no
	}
	var r struct {
		Range []int `json:"range"`
	}
	if json.Unmarshal(right, &r) != nil || len(r.Range) != 2 {
		return maybe
	}
	if r.Range[0] <= w.port && w.port <= r.Range[1] {
		return yes
	}
	return no
}
