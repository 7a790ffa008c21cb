package archive

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	maxTexts   = 20_000 // inspected texts
	maxRepairs = 200    // repairs listed in a plan
)

// Texts adds to the plan which texts a build will save as UTF-8. It inspects only the beginnings of
// texts; the build reports damage further on. Errors are those of Write.
func (f *Found) Texts(ctx context.Context) error {
	if f.options.Texts == left4me.TextsAsIs {
		return nil
	}
	left, found := maxTexts, 0
	for _, s := range f.sources {
		var all []at
		var wanted []int
		for i, it := range s.items {
			if it.to == "" || it.dir || it.plain || it.size > gametext.MaxText || gametext.ReaderOf(it.to) == gametext.Unread || left == 0 {
				continue
			}
			left--
			wanted = append(wanted, len(all))
			all = append(all, at{s, i})
		}
		if len(all) == 0 {
			continue
		}
		files := make([]place.File, len(all))
		if err := f.headsIn(ctx, s, all, wanted, files); err != nil {
			return within(s.name, err)
		}
		for i, a := range all {
			to := a.it().to
			if why, ok := gametext.Begins(gametext.ReaderOf(to), files[i].Head); ok {
				if found++; found <= maxRepairs {
					f.plan.Repairs = append(f.plan.Repairs, to+": "+why.Said())
					f.plan.Conversions = append(f.plan.Conversions,
						left4me.PlanConversion{Path: to, Reason: left4me.NewNote("text.problem", "error", why)})
				}
			}
		}
	}
	if more := found - maxRepairs; more > 0 {
		f.plan.Repairs = append(f.plan.Repairs, fmt.Sprintf("and %d more", more))
	}
	return nil
}
