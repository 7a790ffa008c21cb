package left4me

import (
	"fmt"
	"strconv"
	"strings"
)

// SteamAccount is the number of a Steam account.
type SteamAccount uint32

// Offsets of the two 64-bit forms: users of the public universe, and groups
// (https://developer.valvesoftware.com/wiki/SteamID).
const (
	firstPerson = 76561197960265728
	firstGroup  = 103582791429521408
)

// ParseSteamID parses the Steam ID of a user in one of its common forms: STEAM_1:0:123, [U:1:246],
// 76561197960265974, or the URL of a profile with such a number. Errors: Invalid.
func ParseSteamID(s string) (SteamAccount, error) {
	text := strings.TrimSpace(s)
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(text, scheme+"steamcommunity.com/profiles/"); ok {
			text = strings.TrimSuffix(rest, "/")
			break
		}
	}
	bad := NewError(Invalid, "steam_id.invalid", "value", truncate(s, 80))
	if id, ok := strings.CutPrefix(text, "STEAM_"); ok {
		parts := strings.Split(id, ":")
		// Old games write universe 0 for the public universe.
		if len(parts) != 3 || parts[0] != "0" && parts[0] != "1" || parts[1] != "0" && parts[1] != "1" {
			return 0, bad
		}
		half, err := strconv.ParseUint(parts[2], 10, 31)
		if err != nil || half == 0 && parts[1] == "0" {
			return 0, bad
		}
		return SteamAccount(half<<1) | SteamAccount(parts[1][0]-'0'), nil
	}
	if id, ok := strings.CutPrefix(text, "[U:1:"); ok {
		n, err := strconv.ParseUint(strings.TrimSuffix(id, "]"), 10, 32)
		if err != nil || n == 0 || !strings.HasSuffix(id, "]") {
			return 0, bad
		}
		return SteamAccount(n), nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n <= firstPerson || n-firstPerson > 1<<32-1 {
		return 0, bad
	}
	return SteamAccount(n - firstPerson), nil
}

// String returns the form that games and SourceMod's files use: STEAM_1:0:123.
func (a SteamAccount) String() string { return fmt.Sprintf("STEAM_1:%d:%d", a&1, a>>1) }

// ParseSteamGroup parses the number of a Steam group, either the 32-bit form that its
// administrators see or the 64-bit form. Errors: Invalid.
func ParseSteamGroup(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err == nil && n > firstGroup {
		n -= firstGroup
	}
	if err != nil || n == 0 || n > 1<<32-1 {
		return 0, NewError(Invalid, "steam_group.invalid", "value", truncate(s, 80))
	}
	return uint32(n), nil
}
