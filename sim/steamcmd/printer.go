package main

import (
	"bufio"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// printer prints as C programs do: at once on a terminal, by the block on a pipe, where what is in the buffer is lost
// when the program is killed.
type printer struct {
	buf      *bufio.Writer
	terminal bool
	noise    bool
	lines    int
}

func newPrinter(f *os.File) *printer {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return &printer{buf: bufio.NewWriterSize(f, 4096), terminal: err == nil}
}

func (p *printer) printf(format string, args ...any) {
	fmt.Fprintf(p.buf, format, args...)
	if p.terminal {
		p.flush()
	}
}

// line prints a line, with the colours that the real one sets back on terminals.
func (p *printer) line(format string, args ...any) {
	if p.lines++; p.noise && p.lines%3 == 0 {
		p.printf("\x1b[31m\x00\xff\xfe%0*d\rthreadtools.cpp (3294) : Assertion Failed\x1b]0;title\x07\n", 9000, p.lines)
	}
	end := "\n"
	if p.terminal {
		end = "\x1b[0m\r\n"
	}
	p.printf(format+end, args...)
}

func (p *printer) flush() { _ = p.buf.Flush() }
