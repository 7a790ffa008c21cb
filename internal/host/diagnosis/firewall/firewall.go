// Package firewall determines what the packet filter of this machine does with a server's port. It
// reads the rules of nftables, including those of ufw, firewalld and iptables-nft, and changes
// nothing. It cannot see filters elsewhere, such as those of a provider or a router.
package firewall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// Errors of [Read].
var (
	ErrNone   = errors.New("firewall: this machine has no nft program")
	ErrDenied = errors.New("firewall: this user may not read the rules")
)

const readWithin = 5 * time.Second

// Ruleset is a set of nftables rules.
type Ruleset struct {
	tables []table
	chains map[chainKey]*chain
	order  []chainKey
	sets   map[chainKey]json.RawMessage // elements of named sets
}

type table struct {
	Family string `json:"family"`
	Name   string `json:"name"`
}

// chainKey is the key of a chain or a set.
type chainKey struct{ family, table, name string }

type chain struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Hook   string `json:"hook"`
	Policy string `json:"policy"`
	rules  []rule
}

type rule struct {
	Family string                       `json:"family"`
	Table  string                       `json:"table"`
	Chain  string                       `json:"chain"`
	Expr   []map[string]json.RawMessage `json:"expr"`
}

// Read returns the current rules from nft. Errors: ErrNone; ErrDenied if the user is not root.
func Read(ctx context.Context) (Ruleset, error) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		if nft, err = exec.LookPath("/usr/sbin/nft"); err != nil {
			return Ruleset{}, ErrNone
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, nft, "-j", "list", "ruleset")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(said.String())
		if strings.Contains(text, "ermitted") || strings.Contains(text, "ermission") {
			return Ruleset{}, ErrDenied
		}
		return Ruleset{}, fmt.Errorf("nft list ruleset: %w: %s", err, text)
	}
	return Parse(out.Bytes())
}

// Parse parses the output of `nft -j list ruleset`: libnftables-json(5). An unknown expression is
// treated as one that may match or not.
func Parse(text []byte) (Ruleset, error) {
	r := Ruleset{chains: map[chainKey]*chain{}, sets: map[chainKey]json.RawMessage{}}
	if len(bytes.TrimSpace(text)) == 0 {
		return r, nil // older versions of nft print nothing if there are no rules
	}
	var all struct {
		Objects []struct {
			Table *table `json:"table"`
			Chain *chain `json:"chain"`
			Rule  *rule  `json:"rule"`
			Set   *struct {
				table
				Table    string          `json:"table"`
				Elements json.RawMessage `json:"elem"`
			} `json:"set"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return r, fmt.Errorf("nft list ruleset: %w", err)
	}
	for _, o := range all.Objects {
		switch {
		case o.Table != nil:
			r.tables = append(r.tables, *o.Table)
		case o.Chain != nil:
			k := chainKey{o.Chain.Family, o.Chain.Table, o.Chain.Name}
			r.chains[k] = o.Chain
			r.order = append(r.order, k)
		case o.Set != nil:
			r.sets[chainKey{o.Set.Family, o.Set.Table, o.Set.Name}] = o.Set.Elements
		case o.Rule != nil:
			if c := r.chains[chainKey{o.Rule.Family, o.Rule.Table, o.Rule.Chain}]; c != nil {
				c.rules = append(c.rules, *o.Rule)
			}
		}
	}
	return r, nil
}

// Ours reports whether left4me's own table is loaded.
func (r Ruleset) Ours() bool { return slices.Contains(r.tables, table{"inet", "left4me"}) }

// Verdict is the effect of the rules on players' packets.
type Verdict int

// Verdicts of [Ruleset.Port].
const (
	Open    Verdict = iota
	Dropped         // all packets are dropped
	Unclear         // depends on properties of packets that are unknown here
)

// Chain is the chain that decides about a packet. The zero Chain means none.
type Chain struct {
	Family, Table, Name string
	Ufw                 bool // the rules belong to ufw
}

// Admit returns the remedy that lets packets to server ports in.
func (c Chain) Admit(reader remedy.Reader, low, high int) left4me.Remedy {
	ports := strconv.Itoa(low)
	if high > low {
		ports += "-" + strconv.Itoa(high)
	}
	if c.Ufw {
		return reader.AsRoot("ufw allow " + strings.Replace(ports, "-", ":", 1) + "/udp")
	}
	return reader.AsRoot(fmt.Sprintf("nft insert rule %s %s %s udp dport %s accept", c.Family, c.Table, c.Name, ports))
}

// Port returns what happens to the first packet from an unknown address to a port, and the chain
// that decides. protocol is udp or tcp.
func (r Ruleset) Port(protocol string, port int) (Verdict, Chain) {
	worst, where := Open, Chain{}
	ufw := slices.ContainsFunc(r.order, func(k chainKey) bool { return strings.HasPrefix(k.name, "ufw-") })
	for _, k := range r.order {
		c := r.chains[k]
		if (c.Hook != "input" && c.Hook != "prerouting") || (k.family != "inet" && k.family != "ip") {
			continue
		}
		w := walk{ruleset: r, protocol: protocol, port: port}
		end := w.chain(k, 0)
		if end == goesOn && c.Policy == "drop" {
			end = drops
		}
		switch {
		case end == drops && !w.doubt:
			return Dropped, Chain{k.family, k.table, k.name, ufw}
		case end == drops:
			worst, where = Unclear, Chain{k.family, k.table, k.name, ufw}
		}
	}
	return worst, where
}
