package download

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// part is a partially downloaded file.
type part struct {
	file        string // final path
	f           *os.File
	size        int64
	state       state
	headChecked bool // Request.Head has been called
	sum         *sum
}

// state is stored next to a part so that a later call can resume it.
type state struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // a strong ETag or a date; empty: not resumable
	Total     int64  `json:"total"`     // bytes; -1: unknown
	Boot      string `json:"boot"`      // boot id of the machine: after a reboot, unsynced data may be wrong
}

// sum computes the checksum of a file. It is updated incrementally while bytes arrive in order.
type sum struct {
	name string
	make func() hash.Hash
	want []byte
	hash hash.Hash
	at   int64 // number of bytes hashed
}

func parseSum(s string) (*sum, error) {
	if s == "" {
		return nil, nil
	}
	name, text, _ := strings.Cut(s, ":")
	kinds := map[string]func() hash.Hash{"sha256": sha256.New, "sha1": sha1.New, "md5": md5.New}
	want, err := hex.DecodeString(text)
	if kinds[name] == nil || err != nil || len(want) != kinds[name]().Size() {
		return nil, left4me.NewError(left4me.Invalid, "download.sum_invalid", "sum", s).InField("sum")
	}
	return &sum{name: name, make: kinds[name], want: want, hash: kinds[name]()}, nil
}

// openPart opens or creates the part of a file and locks it.
func openPart(file string) (*part, error) {
	f, err := os.OpenFile(file+".part", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, left4me.NewError(left4me.Busy, "download.running", "file", filepath.Base(file))
	}
	info, err := f.Stat()
	now, err2 := os.Lstat(file + ".part")
	if err = errors.Join(err, err2); err != nil || !info.Mode().IsRegular() || !os.SameFile(info, now) {
		f.Close()
		if err == nil || errors.Is(err, fs.ErrNotExist) { // the previous lock holder published this part
			err = left4me.NewError(left4me.Busy, "download.was_running", "file", filepath.Base(file))
		}
		return nil, err
	}
	p := &part{file: file, f: f, size: info.Size()}
	b, err := os.ReadFile(p.stateFile())
	if err != nil || json.Unmarshal(b, &p.state) != nil || p.state.Boot != boot() {
		p.state = state{}
	}
	return p, nil
}

// worthKeeping is the minimum size in bytes of a resumable download. Repeating a smaller one is
// cheaper than storing its state.
const worthKeeping = 4 << 10

func (p *part) stateFile() string { return p.file + ".part.json" }

func boot() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// resumable returns the offset at which a download of the URL can resume; 0 is the beginning.
func (p *part) resumable(address string) int64 {
	if p.size == 0 || p.state.URL != address || p.state.Validator == "" || p.state.Total >= 0 && p.size > p.state.Total {
		return 0
	}
	return p.size
}

// begin empties the part for a new response described by s.
func (p *part) begin(s state) error {
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	p.size, p.headChecked, p.state = 0, false, s
	p.state.Boot = boot()
	if s.Total >= 0 && s.Total < worthKeeping {
		p.state.Validator = ""
		_ = os.Remove(p.stateFile())
		return nil
	}
	b, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	// The state need not be synced: a download with a missing or damaged state starts from the
	// beginning.
	temp := p.stateFile() + ".new"
	if err := os.WriteFile(temp, b, 0o640); err != nil {
		return err
	}
	return os.Rename(temp, p.stateFile())
}

func (p *part) write(b []byte) error {
	n, err := p.f.WriteAt(b, p.size)
	p.size += int64(n)
	return err
}

func (p *part) head() ([]byte, error) {
	b := make([]byte, min(headSize, p.size))
	_, err := p.f.ReadAt(b, 0)
	return b, err
}

// catchUp hashes the bytes that an earlier call received.
func (p *part) catchUp(ctx context.Context) error {
	s := p.sum
	if s == nil || s.at == p.size {
		return nil
	}
	if s.at > p.size {
		s.hash, s.at = s.make(), 0
	}
	n, err := io.Copy(s.hash, disk.Until(ctx, io.NewSectionReader(p.f, s.at, p.size-s.at)))
	s.at += n
	return err
}

// checkSum verifies the checksum of the complete file.
func (p *part) checkSum(ctx context.Context) error {
	if p.sum == nil {
		return nil
	}
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	if is := p.sum.hash.Sum(nil); string(is) != string(p.sum.want) {
		return failure(WrongSum, left4me.NewError(left4me.Unavailable, "download.wrong_sum", "sum", p.sum.name,
			"is", fmt.Sprintf("%x", is), "want", fmt.Sprintf("%x", p.sum.want)), nil)
	}
	return nil
}

// publish renames the part to its final path.
func (p *part) publish() error {
	if err := p.f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(p.file+".part", p.file); err != nil {
		return err
	}
	_ = os.Remove(p.stateFile())
	return durable.SyncDir(filepath.Dir(p.file))
}

// discard deletes the part and its state.
func (p *part) discard() {
	_ = os.Remove(p.file + ".part")
	_ = os.Remove(p.stateFile())
}

func (p *part) close() {
	if p.size == 0 { // nothing to resume
		if at, err := os.Lstat(p.file + ".part"); !errors.Is(err, fs.ErrNotExist) && at.Size() == 0 {
			p.discard()
		}
	}
	_ = unix.Flock(int(p.f.Fd()), unix.LOCK_UN) // Close alone may not release it: a child that is being forked inherits the descriptor
	p.f.Close()
}
