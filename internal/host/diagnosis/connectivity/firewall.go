package connectivity

import (
	"context"
	"errors"

	"github.com/left4me/left4me/internal/host/diagnosis/firewall"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// filter checks what this machine's packet filter does with the server's port.
func (w *walk) filter(ctx context.Context) left4me.Check {
	const name = "firewall"
	rules, err := w.Rules(ctx)
	switch {
	case errors.Is(err, firewall.ErrNone):
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.no_nft")
	case errors.Is(err, firewall.ErrDenied):
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.not_permitted", "command", remedy.Reader{}.AsRoot("left4me doctor"))
	case err != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "firewall.unreadable", "reason", err)
	}
	verdict, where := rules.Port("udp", w.Wanted)
	command := where.Admit(remedy.Reader{}, w.Wanted, w.Wanted)
	switch verdict {
	case firewall.Dropped:
		return left4me.NewCheck(left4me.CheckBroken, name, "firewall.port_blocked", "port", w.Wanted,
			"family", where.Family, "table", where.Table, "chain", where.Name, "command", command)
	case firewall.Unclear:
		return left4me.NewCheck(left4me.CheckWarn, name, "firewall.port_restricted", "port", w.Wanted,
			"family", where.Family, "table", where.Table, "chain", where.Name, "command", command)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "firewall.port_open")
}
