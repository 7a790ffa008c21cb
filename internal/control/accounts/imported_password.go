package accounts

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"

	"github.com/left4me/left4me/internal/store"
)

// Bounds of what a hash from elsewhere may cost to check: Werkzeug's own are a
// million rounds and 32 MiB at most.
const (
	maxRounds       = 10_000_000
	maxScryptMemory = 128 << 20
)

// imported is a hash that Werkzeug made: method$salt$key, where the method is
// pbkdf2:HASH:ROUNDS or scrypt:N:R:P, the salt is its characters as they are,
// and the key is in hexadecimal digits. It is replaced by one of ours when its
// owner logs in.
type imported struct {
	digest func() hash.Hash // of pbkdf2; nil for scrypt
	cost   [3]int           // rounds; or N, r, p
	salt   string
	key    []byte
}

var errImported = errors.New("it is neither pbkdf2:HASH:ROUNDS$SALT$KEY nor scrypt:N:R:P$SALT$KEY")

// CheckImported says whether a hash that another program kept can be checked at
// a login.
func CheckImported(stored string) error {
	_, err := parseImported(stored)
	return err
}

func parseImported(stored string) (imported, error) {
	var v imported
	parts := strings.Split(stored, "$")
	if len(parts) != 3 || parts[1] == "" || len(parts[1]) > 256 {
		return v, errImported
	}
	v.salt = parts[1]
	var err error
	if v.key, err = hex.DecodeString(parts[2]); err != nil || len(v.key) < 20 || len(v.key) > 64 {
		return v, errImported
	}
	method := strings.Split(parts[0], ":")
	switch {
	case len(method) == 3 && method[0] == "pbkdf2":
		v.digest = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}[method[1]]
		if v.digest == nil || len(v.key) != v.digest().Size() {
			return v, errImported
		}
		if v.cost[0], err = strconv.Atoi(method[2]); err != nil || v.cost[0] < 1 || v.cost[0] > maxRounds {
			return v, fmt.Errorf("%w: its rounds are out of range", errImported)
		}
		return v, nil
	case len(method) == 4 && method[0] == "scrypt" && len(v.key) == 64:
		for i := range v.cost {
			if v.cost[i], err = strconv.Atoi(method[i+1]); err != nil || v.cost[i] < 1 || v.cost[i] > 1<<20 {
				return v, fmt.Errorf("%w: its cost is out of range", errImported)
			}
		}
		n, r, p := v.cost[0], v.cost[1], v.cost[2]
		if n < 2 || n&(n-1) != 0 || r > 32 || p > 16 || 128*n*r > maxScryptMemory {
			return v, fmt.Errorf("%w: its cost is out of range", errImported)
		}
		return v, nil
	}
	return v, errImported
}

func (v imported) matches(password string) bool {
	var key []byte
	var err error
	if v.digest != nil {
		key, err = pbkdf2.Key(v.digest, password, []byte(v.salt), v.cost[0], len(v.key))
	} else {
		key, err = scrypt.Key([]byte(password), []byte(v.salt), v.cost[0], v.cost[1], v.cost[2], len(v.key))
	}
	return err == nil && subtle.ConstantTimeCompare(key, v.key) == 1
}

// upgrade gives a user whose password came from elsewhere a hash of ours. It is
// no reason to refuse a login: the next one tries again.
func (a *Accounts) upgrade(ctx context.Context, u store.User, password string) {
	if _, err := parseImported(u.Password); err != nil {
		return
	}
	fresh, err := a.hashing.hash(ctx, password)
	if err == nil {
		err = a.storage.Users().ReplacePassword(ctx, u.ID, u.Password, fresh)
	}
	if err != nil {
		a.log.WarnContext(ctx, "password not hashed anew", "user", u.Name, "error", err)
		return
	}
	a.log.InfoContext(ctx, "password hashed anew", "user", u.Name)
}
