package connectivity

import (
	"context"
	"errors"
	"fmt"

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
		return skipped(name, "this machine has no nft program to read the rules with", "")
	case errors.Is(err, firewall.ErrDenied):
		return skipped(name, "only root may read the rules", remedy.Reader{}.AsRoot("left4me doctor")+" can")
	case err != nil:
		return skipped(name, "the rules can't be read: "+err.Error(), "")
	}
	verdict, where := rules.Port("udp", w.Wanted)
	mend := where.Admit(remedy.Reader{}, w.Wanted, w.Wanted)
	switch verdict {
	case firewall.Dropped:
		return broken(name, fmt.Sprintf("this machine drops what comes to UDP %d (%s)", w.Wanted, where), mend)
	case firewall.Unclear:
		return warn(name, fmt.Sprintf("this machine lets only some come to UDP %d (%s)", w.Wanted, where), mend)
	}
	return ok(name, "this machine lets players' packets in")
}
