package main

import (
	"bufio"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// printer buffers output as C programs do: not at all on a terminal, in blocks on a pipe. Buffered
// output is lost if the program is killed.
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

// line prints a line, with the escape sequences that reset colours on terminals.
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
