package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// Resource limits of a decoder process. The memory leaves room for a dictionary of 1 GiB, the
// largest common size.
const (
	decoderMemory = 2 << 30
	decoderCPU    = 2 * 60 * 60 // seconds
	maxFrame      = 1 << 20
)

// Frame types of a decoder's output. A frame is a type byte, a length of four bytes (big-endian),
// and that many bytes of payload.
const (
	frameEntry = 'e' // an entry, encoded by entry.append
	frameData  = 'd' // a piece of the entry's content
	frameClose = 'c' // the end of the entry's content
	frameError = 'x' // a left4me.Error as JSON; the last frame
	frameEnd   = 'z' // success; the last frame
)

// Decode is the main function of a decoder process. It reads the archive from standard input, which
// must be a file, and further parts from the file descriptors after standard error, and writes
// frames to out. args are the arguments that decodeOutside appended to the command line. Decode
// first limits the memory, CPU time and file writes of the process.
func Decode(ctx context.Context, args []string, in *os.File, out io.Writer) error {
	for what, most := range map[int]uint64{
		unix.RLIMIT_DATA:  decoderMemory,
		unix.RLIMIT_CPU:   decoderCPU,
		unix.RLIMIT_FSIZE: 0,
		unix.RLIMIT_CORE:  0,
	} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit the decoder: %w", err)
		}
	}
	debug.SetMemoryLimit(decoderMemory / 2)
	return decode(ctx, args, in, out)
}

func decode(ctx context.Context, args []string, in *os.File, out io.Writer) error {
	if len(args) != 7 {
		return errors.New("a decoder is started by left4me only")
	}
	count, err := strconv.Atoi(args[5])
	if err != nil || count < 1 || count > maxParts {
		return errors.New("a decoder is started by left4me only")
	}
	parts := []*os.File{in}
	for n := 1; n < count; n++ {
		parts = append(parts, os.NewFile(uintptr(2+n), "part"))
	}
	most, err1 := strconv.ParseInt(args[2], 10, 64)
	ratio, err2 := strconv.ParseInt(args[3], 10, 64)
	small, err3 := strconv.ParseInt(args[4], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil || ratio <= 0 {
		return errors.New("a decoder is started by left4me only")
	}
	what := purpose(args[1])
	m, err := modeOf(what)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 64<<10)
	buf := make([]byte, 64<<10)
	var payload []byte
	err = walk(ctx, parts, Format(args[0]), what, args[6], Limits{Bytes: most, Ratio: ratio, Small: small},
		func(e entry, body io.Reader) error {
			payload = payload[:0]
			if m.heads == nil { // otherwise the reader knows which entries it requested
				payload = e.append(payload)
			}
			err := writeFrame(w, frameEntry, payload)
			if err != nil || body == nil {
				return err
			}
			if what == purposeText && !textual(e) {
				return writeFrame(w, frameClose, nil)
			}
			if m.heads != nil {
				body = io.LimitReader(body, place.HeadBytes)
			}
			for {
				n, rerr := body.Read(buf)
				if n > 0 {
					if err := writeFrame(w, frameData, buf[:n]); err != nil {
						return err
					}
				}
				if errors.Is(rerr, io.EOF) {
					return writeFrame(w, frameClose, nil)
				}
				if rerr != nil {
					return bodyError{rerr}
				}
			}
		})
	if err != nil {
		e, ok := left4me.Public(err)
		if !ok {
			return err
		}
		b, merr := json.Marshal(e)
		if merr != nil {
			return merr
		}
		return errors.Join(writeFrame(w, frameError, b), w.Flush())
	}
	return errors.Join(writeFrame(w, frameEnd, nil), w.Flush())
}

// headsOf returns the purpose for reading only the beginnings of some entries, given by their
// sorted indexes.
func headsOf(entries []int) purpose {
	b := []byte("heads")
	last := 0
	for _, n := range entries {
		b = strconv.AppendInt(append(b, ','), int64(n-last), 36)
		last = n
	}
	return purpose(b)
}

func modeOf(what purpose) (mode, error) {
	word, list, some := strings.Cut(string(what), ",")
	switch {
	case what == purposeList:
		return mode{list: true}, nil
	case what == purposePlan:
		return mode{list: true, plan: true}, nil
	case what == purposeRead, what == purposeText:
		return mode{}, nil
	case word != "heads":
		return mode{}, errors.New("a decoder is started by left4me only")
	}
	m := mode{heads: []int{}}
	if !some {
		return m, nil
	}
	last := 0
	for w := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(w, 36, 24)
		if err != nil {
			return m, errors.New("a decoder is started by left4me only")
		}
		last += int(n)
		m.heads = append(m.heads, last)
	}
	return m, nil
}

// kindBytes maps the kind byte of a frame to a kind.
var kindBytes = []kind{regular, directory, symlink, hardlink, special, setid}

// append appends the encoding of an entry in a frame: a byte of flags and a byte for the kind; the
// size, the CRC-32 and the length of Tool as varints; Tool and Name. Encoding entries as JSON took
// longer than everything else that listing an archive does.
func (e entry) append(b []byte) []byte {
	var marks byte
	for i, set := range e.marks() {
		if *set {
			marks |= 1 << i
		}
	}
	b = append(b, marks, byte(slices.Index(kindBytes, e.Kind)))
	b = binary.AppendVarint(b, e.Size)
	b = binary.AppendUvarint(b, uint64(e.Sum))
	b = binary.AppendUvarint(b, uint64(len(e.Tool)))
	b = append(b, e.Tool...)
	return append(b, e.Name...)
}

func (e *entry) marks() [5]*bool { return [5]*bool{&e.UTF8, &e.Exec, &e.Windows, &e.Slashed, &e.Plain} }

// parseEntry decodes an entry that append encoded. The entry aliases b. The only error is
// errFrames.
func parseEntry(b []byte) (e entry, err error) {
	if len(b) < 2 || int(b[1]) >= len(kindBytes) {
		return e, errFrames
	}
	for i, set := range e.marks() {
		*set = b[0]&(1<<i) != 0
	}
	e.Kind = kindBytes[b[1]]
	b = b[2:]
	n := 0
	if e.Size, n = binary.Varint(b); n <= 0 {
		return e, errFrames
	}
	b = b[n:]
	var numbers [2]uint64
	for i := range numbers {
		if numbers[i], n = binary.Uvarint(b); n <= 0 {
			return e, errFrames
		}
		b = b[n:]
	}
	if numbers[0] > math.MaxUint32 || numbers[1] > uint64(len(b)) {
		return e, errFrames
	}
	e.Sum, e.Tool, e.Name = uint32(numbers[0]), string(b[:numbers[1]]), b[numbers[1]:]
	return e, nil
}

func writeFrame(w *bufio.Writer, tag byte, b []byte) error {
	var head [5]byte
	head[0] = tag
	binary.BigEndian.PutUint32(head[1:], uint32(len(b)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// decodeOutside runs walk in a separate process.
func decodeOutside(ctx context.Context, command []string, parts []*os.File, format Format, what purpose, tool string, limits Limits,
	v visit,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := append(append([]string(nil), command[1:]...), string(format), string(what), strconv.FormatInt(limits.Bytes, 10),
		strconv.FormatInt(limits.Ratio, 10), strconv.FormatInt(limits.Small, 10), strconv.Itoa(len(parts)), tool)
	m, err := modeOf(what)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.ExtraFiles = parts[1:]
	cmd.Stdin, cmd.Env, cmd.WaitDelay = parts[0], []string{"GOTRACEBACK=none"}, 5*time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &limited{b: &stderr, left: 4 << 10}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	err = readFrames(ctx, out, m, v)
	if err != nil {
		cancel()
	}
	werr := cmd.Wait()
	if errors.Is(err, errFrames) { // the process died before the last frame
		return left4me.NewError(left4me.Invalid, "archive.decoder_failed").InField("files").Because(fmt.Errorf("decoder of %s: %w: %s",
			format, errors.Join(err, werr), shorten(stderr.String())))
	}
	return err
}

var errFrames = errors.New("the decoder broke off")

// readFrames parses a decoder's output and calls v for each entry.
func readFrames(ctx context.Context, r io.Reader, m mode, v visit) error {
	o := opener{mode: m}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		tag, b, err := readFrame(in)
		if err != nil {
			return err
		}
		switch tag {
		case frameEnd:
			return nil
		case frameError:
			var e left4me.Error
			if err := json.Unmarshal(b, &e); err != nil {
				return errors.Join(errFrames, err)
			}
			return &e
		case frameEntry:
			var e entry
			if m.heads == nil {
				if e, err = parseEntry(b); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if m.heads == nil && !o.opens(e.Kind) {
				if err := v(e, nil); err != nil {
					return err
				}
				continue
			}
			body := &frames{in: in}
			if err := v(e, body); err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, body); err != nil {
				return err
			}
		default:
			return errFrames
		}
	}
}

func readFrame(in *bufio.Reader) (tag byte, b []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, errors.Join(errFrames, err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, errFrames
	}
	b = make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return 0, nil, errors.Join(errFrames, err)
	}
	return head[0], b, nil
}

// frames reads the content of one entry from its data frames.
type frames struct {
	in   *bufio.Reader
	left int
	err  error
}

func (f *frames) Read(b []byte) (int, error) {
	for f.left == 0 && f.err == nil {
		f.err = f.next()
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.in.Read(b[:min(len(b), f.left)])
	if f.left -= n; err != nil {
		f.err = errors.Join(errFrames, err)
	}
	return n, nil
}

// next reads the header of the next frame.
func (f *frames) next() error {
	head, err := f.in.Peek(5)
	if err != nil {
		return errors.Join(errFrames, err)
	}
	tag, n := head[0], binary.BigEndian.Uint32(head[1:])
	switch {
	case tag == frameData && n <= maxFrame:
		f.left = int(n)
		_, err = f.in.Discard(5)
		return err
	case tag == frameClose:
		_, err = f.in.Discard(5)
		if err == nil {
			err = io.EOF
		}
		return err
	case tag == frameError:
		_, b, err := readFrame(f.in)
		if err != nil {
			return err
		}
		var e left4me.Error
		if err := json.Unmarshal(b, &e); err != nil {
			return errors.Join(errFrames, err)
		}
		return &e
	}
	return errFrames
}

// limited keeps the first bytes written to it and discards the rest.
type limited struct {
	b    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.b.Write(p[:n])
	return len(p), nil
}
