package help

import (
	"context"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/locale"
)

// term is an entry of the glossary.
type term struct{ ID, Name, About string }

// terms returns the glossary in the reader's language, sorted by name.
func terms(ctx context.Context) []term {
	ids := []string{
		"a2s", "agent", "blueprint", "build", "campaign", "chapter", "conflict", "connectivity_check", "host", "job", "layer", "lobby",
		"mode", "overlay", "rcon", "restart_required", "revision", "role", "rollout", "server", "shim", "sourcemod", "sourcetv", "stack",
		"tick_rate", "token", "vpk", "workshop", "writable_layer",
	}
	all := make([]term, len(ids))
	for i, id := range ids {
		all[i] = term{id, locale.T(ctx, "help.term."+id), locale.T(ctx, "help.term.about."+id)}
	}
	slices.SortFunc(all, func(a, b term) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all
}
