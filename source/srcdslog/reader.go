package srcdslog

import (
	"strings"
	"time"
)

// Reader parses the lines of one server in the order of arrival, from datagrams, a file or the server's
// console.
//
// The reason of a disconnect may contain line breaks. The rest of such a line arrives in the following
// datagrams, which begin without a time; Reader joins them. The zero value is ready to use. A Reader is
// not safe for concurrent use and holds at most [MaxLine] bytes.
type Reader struct {
	// Location is the time zone of the server's process. nil means UTC.
	Location *time.Location

	began string // incomplete line, or empty
	torn  int
}

// Torn returns the number of torn lines, which produced no event.
func (r *Reader) Torn() int { return r.torn }

// Line parses the next line, with or without its line end, and returns its event. It returns false for
// a torn line, for a line that continues on the next one, and for a line without a time that does not
// complete an earlier line, which is other output.
func (r *Reader) Line(line string) (Event, bool) {
	line = strings.TrimRight(line, "\r\n\x00")
	loc := r.Location
	if loc == nil {
		loc = time.UTC
	}
	e, err := ParseIn(line, loc)
	timed := !e.At.IsZero()
	if !timed && r.began != "" && len(r.began)+1+len(line) <= MaxLine {
		line = r.began + "\n" + line
		e, err = ParseIn(line, loc)
	} else if r.began != "" {
		r.torn++ // the rest never arrived
	} else if !timed {
		return Event{}, false
	}
	r.began = ""
	switch {
	case err == nil:
		return e, true
	case goesOn(e.Message):
		r.began = line
	case timed || !e.At.IsZero():
		r.torn++
	}
	return Event{}, false
}

// goesOn reports whether a message is a disconnect with an incomplete reason.
func goesOn(msg string) bool {
	return strings.Contains(msg, `>" disconnected (reason "`) && !strings.HasSuffix(msg, `")`)
}
