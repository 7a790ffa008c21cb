package bus

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/left4me/left4me/internal/left4me"
)

// wrapping is the part of the payload reserved for headers and the envelope of an answer.
const wrapping = 4 << 10

// Marshal returns the JSON of a message as it is sent and stored. It doesn't escape HTML, which
// would turn each <, > and & into six bytes.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// message is a type of message, for errors of encode.
type message int

const (
	aMessage message = iota
	aRequest
	anAnswer
	aJob
	anEvent
)

func (m message) tooLong(size, limit left4me.Bytes) *left4me.Error {
	switch m {
	case aRequest:
		return left4me.NewError(left4me.Invalid, "message.request_too_long", "size", size, "limit", limit)
	case anAnswer:
		return left4me.NewError(left4me.Invalid, "message.answer_too_long", "size", size, "limit", limit)
	case aJob:
		return left4me.NewError(left4me.Invalid, "message.job_too_long", "size", size, "limit", limit)
	case anEvent:
		return left4me.NewError(left4me.Invalid, "message.event_too_long", "size", size, "limit", limit)
	}
	return left4me.NewError(left4me.Invalid, "message.too_long", "size", size, "limit", limit)
}

// encode returns the JSON of a message of at most limit bytes. A longer message is shortened if its
// type allows that. Errors: left4me.Invalid for a message that is still too long.
func encode(m message, v any, limit int) ([]byte, error) {
	data, err := Marshal(v)
	if err != nil || len(data) <= limit {
		return data, err
	}
	if data, err = Marshal(shorter(v, limit)); err == nil && len(data) > limit {
		return nil, m.tooLong(left4me.Bytes(len(data)), left4me.Bytes(limit))
	}
	return data, err
}

// shortText is the maximum length of a text in a shortened message, in bytes of JSON.
const shortText = 300

// shorter returns a shortened copy of a message that exceeds limit. It removes the least important
// parts, and records how much was removed where the message has a field for that. Names, paths and
// numbers are never truncated. A message of a type that can't be shortened is returned unchanged.
func shorter(v any, limit int) any {
	list := limit - limit/32 // for a list that is the whole message
	switch v := v.(type) {
	case JobReport:
		return shorterReport(v, limit)
	case Crash:
		v.Exit, v.Lines = left4me.Clip(v.Exit, shortText), left4me.ClipLog(v.Lines)
		return v
	case CommandAnswer:
		v.Output = left4me.Clip(v.Output, list)
		return v
	case ConfigDiff:
		return shorterDiff(v, list)
	case left4me.Status:
		return shorterStatus(v)
	case []left4me.Status:
		return each(v, shorterStatus)
	case left4me.Page[left4me.TreeFile]:
		return shorterPage(v, list, func(f left4me.TreeFile) string { return f.Path })
	case left4me.Page[left4me.FileChange]:
		return shorterPage(v, list, func(f left4me.FileChange) string { return f.Path })
	case left4me.Plan:
		return shorterPlan(v, limit/4)
	case left4me.Content:
		return shorterContent(v, limit/4)
	case []left4me.Content:
		return each(v, func(c left4me.Content) left4me.Content { return shorterContent(c, 0) })
	case left4me.Game:
		v.CheckNote, v.CheckNotes = left4me.Clip(v.CheckNote, shortText), nil
		return v
	case []left4me.Campaign:
		return shorterCampaigns(v, list)
	case []left4me.Warning:
		return shorterWarnings(v, list)
	case []left4me.WorkshopState:
		return shorterItems(v, list)
	case []left4me.Check:
		return shorterChecks(v, list)
	case OpenBackupAnswer:
		for len(v.Items) > 0 {
			if data, err := Marshal(v); err == nil && len(data) <= list {
				break
			}
			v.Items = v.Items[:len(v.Items)/2]
		}
		return v
	case []left4me.Backup:
		return each(v, shorterBackup)
	}
	return v
}

// fit returns the first items that fit into budget bytes.
func fit[T any](items []T, budget int) []T {
	for i, v := range items {
		data, err := Marshal(v)
		if err != nil {
			return items // the caller gets the same error
		}
		if budget -= len(data) + len(","); budget < 0 {
			return items[:i]
		}
	}
	return items
}

// each returns a copy of a list with f applied to every item.
func each[T any](items []T, f func(T) T) []T {
	out := make([]T, len(items))
	for i, v := range items {
		out[i] = f(v)
	}
	return out
}

// fitOr returns the first items that fit into budget bytes and, if some are missing, an item with
// their number.
func fitOr[T any](items []T, budget int, missing func(text string) T) []T {
	kept := fit(items, budget)
	if n := len(items) - len(kept); n > 0 {
		kept = append(kept[:len(kept):len(kept)], missing(fmt.Sprintf("and %d more that don't fit in one answer", n)))
	}
	return kept
}

func clipAll(texts []string, limit int) []string {
	return each(texts, func(s string) string { return left4me.Clip(s, limit) })
}

func itself(s string) string { return s }

// shorterReport always fits: a job whose end cannot be reported would never end.
func shorterReport(r JobReport, limit int) JobReport {
	r.Log = left4me.ClipLog(r.Log)
	r.Steps = fit(each(r.Steps, left4me.Step.Clipped), limit/4)
	if r.Error != nil {
		r.Error = r.Error.Clipped()
	}
	return r
}

// shorterPage moves the end of a page to the next page. One item always fits, because its longest
// text is a path.
func shorterPage[T any](p left4me.Page[T], budget int, path func(T) string) left4me.Page[T] {
	kept := fit(p.Items, budget)
	if n := len(kept); n > 0 && n < len(p.Items) {
		p.Items, p.Next = kept, left4me.PageToken(path(kept[n-1]))
	}
	return p
}

func shorterStatus(s left4me.Status) left4me.Status {
	s.Why = nil // Reason has the same text
	s.Reason, s.Hostname, s.Map = left4me.Clip(s.Reason, shortText), left4me.Clip(s.Hostname, shortText), left4me.Clip(s.Map, shortText)
	s.Online = nil // Players still counts them
	return s
}

func shorterDiff(d ConfigDiff, budget int) ConfigDiff {
	limit := budget / max(1, 2*len(d.Files))
	d.Files = each(d.Files, func(f ConfigFile) ConfigFile {
		f.Running, f.Next = left4me.Clip(f.Running, limit-shortText), left4me.Clip(f.Next, limit-shortText)
		return f
	})
	return d
}

func shorterPlan(p left4me.Plan, part int) left4me.Plan {
	p.Files = fit(p.Files, part) // Count is the total
	p.Skipped = fitOr(clipAll(p.Skipped, 2*shortText), part, itself)
	p.Repairs = fitOr(clipAll(p.Repairs, 2*shortText), part/2, itself)
	p.Conversions = fit(p.Conversions, part/2)
	p.Warnings = shorterWarnings(p.Warnings, part)
	p.Left = fit(p.Left, part/2)
	p.Moves = fit(p.Moves, part/2)
	p.Asks = fit(p.Asks, part) // Asked is the total
	dirs := fit(p.Dirs, part)
	p.MoreDirs += len(p.Dirs) - len(dirs)
	p.Dirs = dirs
	if p.Problem != nil {
		p.Problem = p.Problem.Clipped()
	}
	if p.Names != nil {
		n := *p.Names
		n.Examples = fit(each(n.Examples, func(e left4me.NamesIn) left4me.NamesIn {
			e.Names = fit(e.Names, part/32) // a few examples suffice
			return e
		}), part/4)
		p.Names = &n
	}
	return p
}

// shorterContent limits the details of revisions, which lists don't have, to part bytes of each
// kind.
func shorterContent(c left4me.Content, part int) left4me.Content {
	detailed := 0
	for _, r := range c.Revisions {
		if len(r.Warnings)+len(r.Campaigns)+len(r.Items) > 0 {
			detailed++
		}
	}
	part /= max(1, detailed)
	c.Revisions = each(c.Revisions, func(r left4me.Revision) left4me.Revision {
		for _, text := range []*string{&r.By, &r.Label, &r.Note, &r.Origin} {
			*text = left4me.Clip(*text, shortText/3)
		}
		r.Warnings, r.Campaigns, r.Items = shorterWarnings(r.Warnings, part), shorterCampaigns(r.Campaigns, part), shorterItems(r.Items,
			part)
		return r
	})
	return c
}

func shorterWarnings(all []left4me.Warning, budget int) []left4me.Warning {
	all = each(all, func(w left4me.Warning) left4me.Warning { return w.Shortened(2*shortText, shortText) })
	sent := fit(all, budget)
	if n := len(all) - len(sent); n > 0 {
		more := left4me.NewWarning(all[len(all)-1].Kind, "", "list.not_sent", "count", n)
		sent = append(sent[:len(sent):len(sent)], more)
	}
	return sent
}

// shorterCampaigns first removes descriptions and pictures. It never removes maps of a campaign,
// because users would think that they are missing.
func shorterCampaigns(all []left4me.Campaign, budget int) []left4me.Campaign {
	return fit(each(all, func(c left4me.Campaign) left4me.Campaign {
		c.Title, c.Author, c.Version = left4me.Clip(c.Title, shortText), left4me.Clip(c.Author, shortText), left4me.Clip(c.Version,
			shortText)
		c.Description, c.Image = "", ""
		modes := make(map[string][]left4me.Chapter, len(c.Modes))
		for mode, chapters := range c.Modes {
			modes[mode] = each(chapters, func(ch left4me.Chapter) left4me.Chapter {
				ch.Title, ch.Image = left4me.Clip(ch.Title, shortText), ""
				return ch
			})
		}
		c.Modes = modes
		return c
	}), budget)
}

func shorterItems(all []left4me.WorkshopState, budget int) []left4me.WorkshopState {
	all = each(all, func(i left4me.WorkshopState) left4me.WorkshopState {
		i.Title, i.Text = left4me.Clip(i.Title, shortText), left4me.Clip(i.Text, shortText)
		i.Picture, i.Tags, i.Collections, i.Children, i.Notes = "", nil, nil, nil, nil
		return i
	})
	return fitOr(all, budget, func(text string) left4me.WorkshopState {
		return left4me.WorkshopState{State: left4me.ItemFailed, Text: text}
	})
}

func shorterChecks(all []left4me.Check, budget int) []left4me.Check {
	all = each(all, func(c left4me.Check) left4me.Check { return c.Shortened(shortText, 4*shortText) })
	sent := fit(all, budget)
	if n := len(all) - len(sent); n > 0 {
		sent = append(sent[:len(sent):len(sent)], left4me.NewCheck(left4me.CheckSkipped, "more", "more.not_sent", "number", n))
	}
	return sent
}

func shorterBackup(b left4me.Backup) left4me.Backup {
	b.Version, b.SHA256 = left4me.Clip(b.Version, shortText), left4me.Clip(b.SHA256, shortText)
	b.Damage, b.Warnings = fewTexts(b.Damage), fewTexts(b.Warnings)
	return b
}

// fewTexts returns the first texts of a list.
func fewTexts(all []string) []string {
	return fitOr(clipAll(all, shortText), 3*shortText, itself)
}
