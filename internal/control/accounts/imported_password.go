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

// Upper bounds for the cost of checking an imported hash. Werkzeug's own defaults are at most a
// million PBKDF2 iterations and 32 MiB for scrypt.
const (
	maxRounds       = 10_000_000
	maxScryptMemory = 128 << 20
)

// imported is a password hash created by Werkzeug: method$salt$key. The method is
// pbkdf2:HASH:ROUNDS or scrypt:N:R:P, the salt is used as literal characters, and the key is
// hexadecimal. Login replaces it with an argon2id hash.
type imported struct {
	digest func() hash.Hash // hash function for pbkdf2; nil for scrypt
	cost   [3]int           // pbkdf2: rounds; scrypt: N, r, p
	salt   string
	key    []byte
}

var errImported = errors.New("it is neither pbkdf2:HASH:ROUNDS$SALT$KEY nor scrypt:N:R:P$SALT$KEY")

// CheckImported returns an error if a hash from another program cannot be verified at login.
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

// upgrade replaces an imported password hash with an argon2id one. A failure doesn't fail the
// login: the next login tries again.
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
