package overlays

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// maxRejected limits the number of rejected parts that are returned.
	maxRejected = 20
	// shortID is the minimum number of digits of an id among other text, where shorter numbers mean
	// something else. The game's workshop has no shorter ids.
	shortID = 6
)

// reference matches a link to a workshop item: a web address, with any other parameters that a
// browser or Steam adds, or an address of the client such as steam://url/CommunityFilePage/123.
var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(
		`(?i)(?:(?:sharedfiles|workshop)(?:/|%2F)filedetails(?:/|%2F)?(?:\?|%3F)(?:[^\s"'<>]*?(?:[&;]|%26))??id(?:=|%3D)|` +
			`steam://(?:url|openurl)/communityfilepage/)([0-9]*)`)
})

// ParseWorkshop finds ids of items and collections in pasted text, which may consist of numbers,
// links, or a page with links. It returns each id once, in order, and in bad what looks like an id
// but is invalid.
func ParseWorkshop(text string) (ids []left4me.WorkshopID, bad []string) {
	seen := map[string]bool{}
	found := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, left4me.WorkshopID(id))
		}
	}
	reject := func(s string) {
		if len(bad) < maxRejected && !seen["not "+s] {
			seen["not "+s] = true
			bad = append(bad, truncate(strings.ToValidUTF8(s, "\uFFFD")))
		}
	}
	links := func(s string) bool {
		all := reference().FindAllStringSubmatch(s, -1)
		for _, m := range all {
			if isID(m[1]) {
				found(m[1])
			} else {
				reject(m[0] + "…")
			}
		}
		return len(all) > 0
	}
	text = strings.ReplaceAll(text, "&amp;", "&")
	// In the source of a page only links count, because other numbers mean other things.
	if strings.Contains(text, "<") && links(text) {
		return ids, bad
	}
	pieces := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;|\u00a0", r) })
	least := 1
	for i, p := range pieces {
		pieces[i] = strings.Trim(p, `"'()[]{}<>.:#-*`)
		if strings.Trim(pieces[i], "0123456789") != "" && !strings.Contains(p, "/") {
			least = shortID // a sentence, or the text of a page
		}
	}
	for _, p := range pieces {
		switch digits := strings.Trim(p, "0123456789") == ""; {
		case p == "" || links(p):
		case strings.HasPrefix(p, "id=") && isID(p[len("id="):]):
			found(p[len("id="):])
		case digits && isID(p) && len(p) >= least:
			found(p)
		case digits, strings.Contains(p, "://"):
			reject(p)
		}
	}
	return ids, bad
}

// LookUp queries Steam for workshop items without downloading them. Errors: left4me.Unavailable.
func (c *Overlays) LookUp(ctx context.Context, w left4me.Workshop) ([]left4me.WorkshopState, error) {
	return ask[[]left4me.WorkshopState](ctx, c, bus.VerbWorkshop, w)
}
