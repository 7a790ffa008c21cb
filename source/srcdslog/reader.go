package srcdslog

import (
	"strings"
	"time"
)

// Reader reads the lines of one server in the order in which they came: from datagrams, a file or its console.
//
// A reason for a disconnect may hold line breaks: such a line ends in one of the next datagrams, which begin without a
// time. The reader joins them. The zero value is ready; it isn't safe for concurrent use, and holds [MaxLine] bytes at
// most.
type Reader struct {
	// Location is the time zone of the server's process; nil is UTC.
	Location *time.Location

	began string // a line that isn't at its end, empty for none
	torn  int
}

// Torn counts the lines that made no event because another print cut them or ran into them.
func (r *Reader) Torn() int { return r.torn }

// Line takes the next line, with or without its end, and returns its event. There is none for a line that is torn,
// for one that goes on in the next, and for one without a time that ends none: it is other output.
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
		r.torn++ // its end never came
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

// goesOn says whether a message is a disconnect whose reason isn't at its end.
func goesOn(msg string) bool {
	return strings.Contains(msg, `>" disconnected (reason "`) && !strings.HasSuffix(msg, `")`)
}
