package output

import (
	"fmt"
	"io"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/left4me"
)

const drawEvery = 200 * time.Millisecond // a higher rate would be unreadable

// Meter shows the progress of a transfer on a terminal.
type Meter struct {
	w     io.Writer
	title string
	width int
	total int64
	began time.Time
	first int64 // position at the start
	drawn time.Time
}

// NewMeter returns a meter for total bytes (0 if unknown) on a terminal of the given width. A width
// of 0 disables it.
func NewMeter(w io.Writer, title string, total int64, width int) *Meter {
	return &Meter{w: w, title: title, total: total, began: time.Now(), width: width}
}

// Show displays the number of bytes transferred, at most five times per second.
func (m *Meter) Show(have int64) {
	now := time.Now()
	if m.width == 0 || now.Sub(m.drawn) < drawEvery {
		return
	}
	m.drawn = now
	p := left4me.Progress{Done: have, Total: m.total, Unit: "bytes"}
	if spent := now.Sub(m.began).Seconds(); spent >= 1 {
		p.Rate = int64(float64(have-m.first) / spent)
	}
	text := m.title + ":" + progressText(p)
	if m.total <= 0 {
		text = fmt.Sprintf("%s: %s", m.title, bytesize.Format(have))
	}
	fmt.Fprintf(m.w, "\r\x1b[K%s", Fit(OneLine(text), m.width-1))
}

// End clears the display.
func (m *Meter) End() {
	if m.width > 0 {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
