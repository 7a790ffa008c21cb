package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/left4me/left4me/internal/left4me"
)

// cost holds the argon2id parameters that determine the cost of a hash. The default is 19 MiB and
// two passes, OWASP's first choice.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

var defaultCost = cost{memory: 19456, time: 2, threads: 1}

const (
	saltSize = 16
	keySize  = 32

	hashAtOnce = 2  // more would let a flood of logins use up the memory that game servers need
	hashQueue  = 32 // further requests are refused
)

var phcBase64 = base64.RawStdEncoding.Strict()

// phc is a hash with the parameters needed to verify it, in the PHC string format
// ($argon2id$v=19$m=…,t=…,p=…$salt$key).
type phc struct {
	cost
	salt, key []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		phcBase64.EncodeToString(p.salt), phcBase64.EncodeToString(p.key))
}

var errPHC = errors.New("the stored password is not a hash of ours")

func parsePHC(s string) (phc, error) {
	var (
		p       phc
		version int
	)
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, errPHC
	}
	// A corrupt row must not make a login allocate gigabytes.
	if p.memory > 1<<20 || p.time < 1 || p.time > 16 || p.threads < 1 {
		return p, errPHC
	}
	var err error
	if p.salt, err = phcBase64.DecodeString(parts[4]); err != nil {
		return p, errPHC
	}
	if p.key, err = phcBase64.DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return p, errPHC
	}
	return p, nil
}

func (p phc) derive(password string) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
}

// hashing limits how many passwords are hashed at once.
type hashing struct {
	cost    cost
	slots   chan struct{}
	waiting *atomic.Int32
	dummy   func() string            // a hash that no password matches
	derive  func(phc, string) []byte // phc.derive; tests replace it to count calls
}

func newHashing(c cost) hashing {
	h := hashing{cost: c, slots: make(chan struct{}, hashAtOnce), waiting: new(atomic.Int32), derive: phc.derive}
	h.dummy = sync.OnceValue(func() string { return h.fresh().String() })
	return h
}

// fresh returns a random salt and a random key that no known password matches.
func (h hashing) fresh() phc {
	p := phc{cost: h.cost, salt: make([]byte, saltSize), key: make([]byte, keySize)}
	_, _ = rand.Read(p.salt) // never fails
	_, _ = rand.Read(p.key)
	return p
}

func (h hashing) hash(ctx context.Context, password string) (string, error) {
	p := h.fresh()
	err := h.slot(ctx, func() { p.key = h.derive(p, password) })
	return p.String(), err
}

// verify reports whether stored is a hash of password. If stored is empty, it does the same work
// and returns false.
func (h hashing) verify(ctx context.Context, stored, password string) (bool, error) {
	if stored == "" {
		stored = h.dummy()
	}
	equal := false
	if v, err := parseImported(stored); err == nil {
		err = h.slot(ctx, func() { equal = v.matches(password) })
		return equal, err
	}
	p, err := parsePHC(stored)
	if err != nil {
		return false, err
	}
	err = h.slot(ctx, func() { equal = subtle.ConstantTimeCompare(p.key, h.derive(p, password)) == 1 })
	return equal, err
}

func (h hashing) slot(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > hashQueue {
		h.waiting.Add(-1)
		return after(2*time.Second, left4me.NewError(left4me.Busy, "auth.too_many_logins", "wait", 2*time.Second))
	}
	defer func() {
		if h.waiting.Add(-1) == 0 {
			debug.FreeOSMemory() // otherwise the 19 MiB per hash would stay allocated for hours
		}
	}()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.slots }()
	f()
	return nil
}
