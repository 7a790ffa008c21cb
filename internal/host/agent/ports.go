package agent

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// checkPorts makes sure that a server can have its port. The others that it opens
// end no start, since the game goes on without them or takes the next: the note
// says what becomes of them.
func (a *Agent) checkPorts(spec left4me.Spec) (note string, err error) {
	if err := shim.PortFree(a.Files.Root, spec.Port); err != nil {
		return "", err
	}
	var notes []string
	for _, u := range spec.MorePorts() {
		if who := shim.Holder(a.Files.Root, u.Port); who != "" || shim.Bound(u.Port) {
			if who == "" {
				who = "another program"
			}
			notes = append(notes, fmt.Sprintf("port %d of %s is used by %s", u.Port, u.What, who))
		} else if owner, ok := a.ownerOf(u.Port, spec.Name); ok {
			notes = append(notes, fmt.Sprintf("%s takes port %d, which %s needs to start", u.What, u.Port, owner))
		}
	}
	return strings.Join(notes, "; "), nil
}

// ownerOf is the other server of this host that was started on a port last.
func (a *Agent) ownerOf(port int, but left4me.Name) (left4me.Name, bool) {
	names, err := a.Files.Names()
	if err != nil {
		return "", false
	}
	for _, n := range names {
		if env, err := a.Files.ReadEnv(n); err == nil && n != but && env.Port == port {
			return n, true
		}
	}
	return "", false
}
