package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/gametext"
)

const (
	textHead   = 4 << 10 // bytes of a text that tell how its characters are written
	maxTexts   = 20_000  // texts that are looked at
	maxRepairs = 200     // that a plan names
)

// errSeen ends reading a source of which enough was seen.
var errSeen = errors.New("enough was seen")

// Texts says in the plan which texts a build will save as UTF-8. Only how they
// begin is read: what is damaged further behind is said by the build. Errors: as
// Write.
func (f *Found) Texts(ctx context.Context) error {
	if f.options.Texts == left4me.TextsAsIs {
		return nil
	}
	left, found := maxTexts, 0
	for _, s := range f.sources {
		wanted := map[int]gametext.Reader{}
		last := -1
		for i, it := range s.items {
			reader := gametext.ReaderOf(it.to)
			if it.to == "" || it.dir || it.size > gametext.MaxText || reader == gametext.Unread || left == 0 {
				continue
			}
			left--
			wanted[i], last = reader, i
		}
		if last < 0 {
			continue
		}
		err := f.read(ctx, s, func(i int, it *item, body io.Reader) error {
			reader, ok := wanted[i]
			if !ok || body == nil {
				return nil
			}
			head, err := io.ReadAll(io.LimitReader(bodyReader{body}, textHead))
			if err != nil {
				return err
			}
			if why, ok := gametext.Begins(reader, head); ok {
				if found++; found <= maxRepairs {
					f.plan.Repairs = append(f.plan.Repairs, it.to+": "+why)
				}
			}
			if i == last {
				return errSeen
			}
			return nil
		})
		if err != nil && !errors.Is(err, errSeen) {
			return within(s.name, err)
		}
	}
	if more := found - maxRepairs; more > 0 {
		f.plan.Repairs = append(f.plan.Repairs, fmt.Sprintf("and %d more", more))
	}
	return nil
}
