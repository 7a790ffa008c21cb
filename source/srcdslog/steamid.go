package srcdslog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SteamID is the 64-bit identifier of a person's Steam account. Zero means no person.
type SteamID uint64

// individual is universe 1, type 1 (person), instance 1 (desktop): the upper bits of every personal
// SteamID.
const individual SteamID = 0x0110000100000000

// ErrSteamID is returned for text that is not the SteamID of a person.
var ErrSteamID = errors.New("not a SteamID of a person")

// FromAccount returns the SteamID of an account number. It returns 0 for account 0.
func FromAccount(n uint32) SteamID {
	if n == 0 {
		return 0
	}
	return individual + SteamID(n)
}

// ParseSteamID parses STEAM_1:Y:Z (also STEAM_0), [U:1:n] and the 64-bit number. It returns ErrSteamID
// for the identifiers of servers, groups and lobbies, and for account 0.
func ParseSteamID(s string) (SteamID, error) {
	account, ok := parseAccount(s)
	if !ok || account == 0 {
		return 0, fmt.Errorf("srcdslog: %.40q: %w", s, ErrSteamID)
	}
	return FromAccount(account), nil
}

func parseAccount(s string) (uint32, bool) {
	if rest, ok := strings.CutPrefix(s, "STEAM_"); ok {
		if len(rest) < 5 || rest[0] != '0' && rest[0] != '1' || rest[1] != ':' || rest[3] != ':' {
			return 0, false
		}
		if rest[2] != '0' && rest[2] != '1' {
			return 0, false
		}
		z, ok := digits(rest[4:], 31)
		return uint32(z)<<1 | uint32(rest[2]-'0'), ok
	}
	if rest, ok := strings.CutPrefix(s, "[U:1:"); ok {
		n, ok := digits(strings.TrimSuffix(rest, "]"), 32)
		return uint32(n), ok && strings.HasSuffix(rest, "]")
	}
	n, ok := digits(s, 64)
	if !ok || SteamID(n)&^0xffffffff != individual {
		return 0, false
	}
	return uint32(n), true
}

// digits parses a decimal number without sign, underscores or leading zeros.
func digits(s string, bits int) (uint64, bool) {
	if s == "" || s[0] == '+' || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, bits)
	return n, err == nil
}

// Account returns the account number, the low 32 bits.
func (id SteamID) Account() uint32 { return uint32(id) }

// String returns the 64-bit number, as used by the Steam Web API: "76561197984957084".
func (id SteamID) String() string { return strconv.FormatUint(uint64(id), 10) }

// Steam2 returns the form used by Left 4 Dead 2 and SourceMod: "STEAM_1:0:12345678".
func (id SteamID) Steam2() string {
	return fmt.Sprintf("STEAM_1:%d:%d", id.Account()&1, id.Account()>>1)
}

// Steam3 returns the newer form: "[U:1:24691356]".
func (id SteamID) Steam3() string { return fmt.Sprintf("[U:1:%d]", id.Account()) }
