package left4me

import (
	"fmt"
	"unicode/utf8"
)

// Bounds of the data that a job reports and its row stores, in bytes of JSON (see TextLen). The
// text comes from scripts, SteamCMD and file names, so it may have any length and content.
const (
	MaxJobLog      = 200       // number of lines kept of a job's output: the last ones
	MaxJobLogLine  = 4 << 10   // one line
	MaxJobLogBytes = 256 << 10 // all lines
	MaxJobNote     = 1 << 10   // the note of a step
)

// Bounds of an Error, in bytes of JSON.
const (
	maxErrorText  = 8 << 10
	maxErrorField = 256
	maxErrorKind  = 40
)

// TextLen returns the length of s as a JSON string in bytes, without its quotes and without HTML
// escapes. A control character takes six bytes. Each invalid UTF-8 byte counts as the replacement
// character that Clip writes for it.
func TextLen(s string) int {
	n := 0
	for _, r := range s {
		n += runeLen(r)
	}
	return n
}

func runeLen(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\r', r == '\t', r == '\b', r == '\f':
		return 2
	case r < 0x20, r == '\u2028', r == '\u2029':
		return 6
	}
	return utf8.RuneLen(r)
}

// Clip truncates s to at most limit bytes in JSON, as counted by TextLen, and returns valid UTF-8.
// A truncated text ends with a mark that states the number of missing bytes. If limit is too small
// for the mark, the result is empty.
func Clip(s string, limit int) string {
	if len(s) <= limit/6 && utf8.ValidString(s) {
		return s
	}
	const longestMark = len("… (9223372036854775807 bytes cut)")
	n, keep := 0, 0
	for i, r := range s {
		if n <= limit-longestMark {
			keep = i
		}
		if n += runeLen(r); n > limit {
			if limit < longestMark {
				return ""
			}
			return validUTF8(s[:keep]) + fmt.Sprintf("… (%d bytes cut)", len(s)-keep)
		}
	}
	return validUTF8(s)
}

// validUTF8 replaces each invalid byte separately, as TextLen counts them; strings.ToValidUTF8
// would replace a run of invalid bytes by one character.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// ClipLog returns the last lines of a log that fit the bounds of a job's log, each truncated to
// MaxJobLogLine. The result is never nil.
func ClipLog(lines []string) []string {
	kept := make([]string, min(len(lines), MaxJobLog))
	left := MaxJobLogBytes
	for i := len(kept) - 1; i >= 0; i-- {
		line := Clip(lines[len(lines)-len(kept)+i], MaxJobLogLine)
		if left -= TextLen(line) + len(`"",`); left < 0 {
			return kept[i+1:]
		}
		kept[i] = line
	}
	return kept
}

// Clipped returns e with its kind, code, arguments and texts truncated to their bounds, and the
// same cause. It returns e itself if nothing was truncated.
func (e *Error) Clipped() *Error {
	c := *e
	c.Code = clipCode(e.Code)
	c.Field, c.Text, c.Hint = Clip(e.Field, maxErrorField), Clip(e.Text, maxErrorText), Clip(e.Hint, maxErrorText)
	c.Kind = Kind(Clip(string(e.Kind), maxErrorKind))
	budget := maxErrorArgBytes
	var cut bool
	c.Args, cut = e.Args.within(&budget, 0)
	// Comparing c and *e with == could panic: causes need not be comparable.
	if !cut && c.Kind == e.Kind && c.Code == e.Code && c.Field == e.Field && c.Text == e.Text && c.Hint == e.Hint {
		return e
	}
	return &c
}

// Clipped returns s with its notes and warnings truncated to MaxJobNote.
func (s Step) Clipped() Step {
	s.Notes, s.Warnings = s.Notes.clipped(), s.Warnings.clipped()
	s.Note, s.Warning = Clip(s.Note, MaxJobNote), Clip(s.Warning, MaxJobNote)
	return s
}
