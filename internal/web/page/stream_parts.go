package page

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

const (
	updatePause    = 200 * time.Millisecond // minimum time between two updates of a page
	diskCheckPause = 500 * time.Millisecond
)

// follow returns the feed of a page, which sends the parts that have changed.
func (p *Panel) follow(r *http.Request, who accounts.Actor, parent string, build Builder) Feed {
	return func(ctx context.Context, send func(Event)) error {
		var work sync.WaitGroup
		defer work.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		n := newChanges()
		p.watch(ctx, n, &work) // before the first build, so that no change is missed
		have := sent{}
		disk := time.NewTicker(diskCheckPause)
		defer disk.Stop()
		full := p.fullFor(who)
		var on map[Topic]bool // changed topics; nil for all
		for {
			v, err := build(r.WithContext(ctx), who)
			if errors.Is(err, left4me.NotFound) {
				send(Event{Name: "gone", Data: []byte(parent)})
				return nil
			}
			if err != nil {
				return err
			}
			v.Body = append(v.Body, p.fullPart(who))
			if err := p.sendParts(ctx, who, v.parts(), on, have, send); err != nil {
				return err
			}
			for on = nil; !v.depends(on); on = n.take() {
				select {
				case <-n.wake:
				case <-disk.C:
					if now := p.fullFor(who); (now == nil) != (full == nil) || now != nil && now.Text != full.Text {
						full = now
						n.add(OnDisk())
					}
				case <-ctx.Done():
					return nil
				}
			}
			if sleep.For(ctx, updatePause) != nil {
				return nil
			}
			for t := range n.take() {
				on[t] = true
			}
		}
	}
}

// sendParts sends the parts of a page that have changed. Expensive parts come last, so that the others
// don't wait for them.
func (p *Panel) sendParts(ctx context.Context, who accounts.Actor, all []*Part, on map[Topic]bool, have sent, send func(Event)) error {
	for _, costly := range []bool{false, true} {
		for _, part := range all {
			if part.costly != costly {
				continue
			}
			if err := p.sendPart(ctx, who, part, on, have, send); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendPart sends a part if it differs from what the browser has. Only the changed rows of a list are
// sent, unless a row was added, removed or moved.
func (p *Panel) sendPart(ctx context.Context, who accounts.Actor, part *Part, on map[Topic]bool, have sent, send func(Event)) error {
	if on == nil && !part.costly || part.depends(on) {
		whole, err := p.isOther(ctx, part, have)
		if err != nil {
			return err
		}
		if whole {
			e, fresh, err := have.fresh(ctx, part.id, part)
			if why, public := Public(who, err); public {
				e, fresh, err = have.fresh(ctx, part.id, partProblem(part.id, why))
			}
			if err != nil {
				return err
			}
			if fresh || len(part.Rows) > 0 {
				send(e)
			}
			for _, row := range part.Rows {
				if _, _, err := have.fresh(ctx, row.id, row); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, row := range part.Rows {
		if err := p.sendPart(ctx, who, row, on, have, send); err != nil {
			return err
		}
	}
	return nil
}

// isOther reports whether a part may have to be sent as a whole. A list has to be if it differs in
// anything but the content of its rows.
func (p *Panel) isOther(ctx context.Context, part *Part, have sent) (bool, error) {
	if len(part.Rows) == 0 {
		return true, nil
	}
	var frame bytes.Buffer
	for _, row := range part.Rows {
		frame.WriteString(row.id + " ")
	}
	c, err := part.html(ctx)
	if err == nil {
		err = c.Render(context.WithValue(ctx, withoutParts{}, true), &frame)
	}
	sum := Digest(frame.Bytes())
	was := have["frame:"+part.id]
	have["frame:"+part.id] = sum
	return was != sum, err
}

// sent holds digests of the parts that a browser has, by id.
type sent map[string]string

// fresh renders a part and reports whether it differs from what the browser has.
func (s sent) fresh(ctx context.Context, key string, part templ.Component) (Event, bool, error) {
	html, err := fragment(ctx, part)
	if err != nil {
		return Event{}, false, err
	}
	sum := Digest(html)
	if s[key] == sum {
		return Event{}, false, nil
	}
	s[key] = sum
	return Event{Name: "html", Data: html}, true, nil
}
