package terminal

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

const (
	// MaxLine is the maximum length of a console line in bytes; longer lines are split.
	MaxLine = 4096
	// maxEscape limits the length of an escape sequence, so that an unterminated one doesn't swallow
	// the console.
	maxEscape = 256
)

// The states of the Cleaner.
const (
	inText    = iota
	inEscape  // after ESC
	inCSI     // after ESC [
	inString  // after ESC ] and similar, until BEL or ESC \
	inCharset // after ESC ( and similar: one more byte
)

// special marks the bytes that end a run of plain text.
var special = func() (t [256]bool) {
	for i := range 0x20 {
		t[i] = i != '\t'
	}
	t[0x7f] = true
	return t
}()

// Cleaner turns terminal output into lines of valid UTF-8 without control characters and escape
// sequences, at most MaxLine bytes each. The zero value is ready to use.
type Cleaner struct {
	line   []byte // the current, incomplete line
	state  byte
	cr     bool // the last byte was a carriage return, which may be part of a line end
	escape int  // length of the current escape sequence
}

// Clean appends the lines completed by p to dst, each with a line feed.
func (c *Cleaner) Clean(dst, p []byte) []byte {
	for len(p) > 0 {
		if line, rest, ok := c.wholeLine(p); ok {
			dst = append(append(dst, line...), '\n')
			p = rest
			continue
		}
		if c.state != inText && p[0] != '\n' {
			c.step(p[0])
			p = p[1:]
			continue
		}
		n := 0
		for n < len(p) && !special[p[n]] {
			n++
		}
		if n > 0 {
			if c.cr { // the carriage return was not part of a line end
				c.cr = false
				if len(c.line) > 0 {
					dst = c.end(dst)
				}
			}
			dst = c.text(dst, p[:n])
			p = p[n:]
			continue
		}
		dst = c.control(dst, p[0])
		p = p[1:]
	}
	return dst
}

// wholeLine cuts a line from p if it needs no cleaning, which is the usual case.
func (c *Cleaner) wholeLine(p []byte) (line, rest []byte, ok bool) {
	if c.state != inText || c.cr || len(c.line) > 0 {
		return nil, p, false
	}
	n := bytes.IndexByte(p[:min(len(p), MaxLine+2)], '\n')
	if n < 0 {
		return nil, p, false
	}
	line = bytes.TrimSuffix(p[:n], []byte("\r"))
	if len(line) > MaxLine || !plain(line) {
		return nil, p, false
	}
	return line, p[n+1:], true
}

// plain reports whether p contains only printable ASCII. It checks eight bytes at a time, because
// servers with much output print mostly such lines.
func plain(p []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(p) >= 8; p = p[8:] {
		x := binary.LittleEndian.Uint64(p)
		del := x ^ 0x7f*ones
		if (x|(x-0x20*ones)|(del-ones)&^del)&high != 0 {
			return false
		}
	}
	for _, b := range p {
		if b < 0x20 || b >= 0x7f {
			return false
		}
	}
	return true
}

// Flush appends the current line to dst even though it is incomplete.
func (c *Cleaner) Flush(dst []byte) []byte {
	c.state, c.cr = inText, false
	if len(c.line) == 0 {
		return dst
	}
	return c.end(dst)
}

func (c *Cleaner) text(dst, p []byte) []byte {
	for len(c.line)+len(p) > MaxLine {
		n := MaxLine - len(c.line)
		c.line = append(c.line, p[:n]...)
		p = p[n:]
		// Don't split a character: move its first bytes to the next line.
		cut := len(c.line)
		for back := 1; back < utf8.UTFMax && back < cut; back++ {
			if b := c.line[cut-back]; utf8.RuneStart(b) {
				if b >= utf8.RuneSelf && !utf8.FullRune(c.line[cut-back:]) {
					cut -= back
				}
				break
			}
		}
		dst = appendClean(dst, c.line[:cut])
		c.line = append(c.line[:0], c.line[cut:]...)
	}
	c.line = append(c.line, p...)
	return dst
}

func (c *Cleaner) end(dst []byte) []byte {
	dst = appendClean(dst, c.line)
	c.line = c.line[:0]
	return dst
}

func (c *Cleaner) control(dst []byte, b byte) []byte {
	switch b {
	case '\n':
		c.state, c.cr = inText, false
		return c.end(dst)
	case '\r':
		c.cr = true
	case '\b':
		if n := len(c.line); n > 0 {
			_, size := utf8.DecodeLastRune(c.line)
			c.line = c.line[:n-size]
		}
	case 0x1b:
		c.state, c.escape = inEscape, 0
	}
	return dst
}

// step processes one byte of an escape sequence (ECMA-48).
func (c *Cleaner) step(b byte) {
	if c.escape++; c.escape > maxEscape {
		c.state = inText
		return
	}
	switch c.state {
	case inEscape:
		switch {
		case b == '[':
			c.state = inCSI
		case b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_':
			c.state = inString
		case b >= 0x20 && b <= 0x2f:
			c.state = inCharset
		case b != 0x1b:
			c.state = inText
		}
	case inCSI:
		if b == 0x1b {
			c.state = inEscape
		} else if b >= 0x40 && b <= 0x7e {
			c.state = inText
		}
	case inString:
		if b == 0x1b {
			c.state = inEscape
		} else if b == 0x07 {
			c.state = inText
		}
	case inCharset:
		if b < 0x20 || b > 0x2f {
			c.state = inText
		}
	}
}

// appendClean appends one line. Invalid UTF-8 becomes U+FFFD, and the C1 control characters are
// removed.
func appendClean(dst, line []byte) []byte {
	if ascii(line) {
		dst = append(dst, line...)
		return append(dst, '\n')
	}
	begin := len(dst)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if r >= 0xa0 || r < 0x80 {
			if len(dst)-begin+utf8.RuneLen(r) > MaxLine {
				dst = append(dst, '\n')
				begin = len(dst)
			}
			dst = utf8.AppendRune(dst, r)
		}
		line = line[n:]
	}
	return append(dst, '\n')
}

func ascii(p []byte) bool {
	for len(p) >= 8 {
		if (p[0]|p[1]|p[2]|p[3]|p[4]|p[5]|p[6]|p[7])&0x80 != 0 {
			return false
		}
		p = p[8:]
	}
	return bytes.IndexFunc(p, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
