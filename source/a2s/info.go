package a2s

import (
	"encoding/binary"
	"fmt"
)

// Bits of [Info.Extra].
const (
	HasGameID   byte = 0x01
	HasSteamID  byte = 0x10
	HasKeywords byte = 0x20
	HasTV       byte = 0x40
	HasPort     byte = 0x80
)

// Info is the answer to A2S_INFO.
type Info struct {
	Protocol   uint8  // 17 for Left 4 Dead 2
	Name       string // the server's hostname
	Map        string
	Folder     string // "left4dead2"
	Game       string // description, "Left 4 Dead 2"
	AppID      uint16 // low 16 bits of the app ID: 550; GameID contains all bits
	Players    uint8  // includes bots or not, depending on the game
	MaxPlayers uint8
	Bots       uint8
	ServerType byte // 'd' dedicated, 'l' listen, 'p' SourceTV
	OS         byte // 'l' Linux, 'w' Windows, 'm' or 'o' macOS
	Password   bool
	VAC        bool
	Version    string // "2.2.4.3"

	// Extra is the set of fields below that the packet contained, or that should be written: an OR of
	// HasPort, HasSteamID, HasTV, HasKeywords and HasGameID. Missing fields are zero. Real servers send
	// b1 without SourceTV and f1 with SourceTV.
	Extra    byte
	Port     uint16
	SteamID  uint64 // Steam ID of the server, not of a person
	TVPort   uint16
	TVName   string
	Keywords string // comma-separated tags
	GameID   uint64 // the low 24 bits are the app ID
}

// ParseInfo parses an A2S_INFO reply, including its ff ff ff ff header. The extra fields may be missing
// as a whole, but not truncated.
func ParseInfo(b []byte) (Info, error) {
	var i Info
	err := ParseInfoInto(b, &i)
	return i, err
}

// ParseInfoInto is like ParseInfo but reuses an Info that was filled before: unchanged strings are
// kept, so polling an unchanged server allocates nothing. After an error the contents of into are
// undefined.
func ParseInfoInto(b []byte, into *Info) error {
	kind, rest, ok := cutHeader(b)
	if !ok || kind != ReplyInfo {
		return fmt.Errorf("a2s: info: %w", ErrMalformed)
	}
	r := reader{b: rest}
	into.Protocol = r.u8()
	r.text(&into.Name)
	r.text(&into.Map)
	r.text(&into.Folder)
	r.text(&into.Game)
	into.AppID = r.u16()
	into.Players = r.u8()
	into.MaxPlayers = r.u8()
	into.Bots = r.u8()
	into.ServerType = r.u8()
	into.OS = r.u8()
	into.Password = r.u8() != 0
	into.VAC = r.u8() != 0
	r.text(&into.Version)
	if r.short {
		return fmt.Errorf("a2s: info cut short: %w", ErrMalformed)
	}

	into.Extra = 0
	if len(r.b) > 0 {
		into.Extra = r.u8() & (HasPort | HasSteamID | HasTV | HasKeywords | HasGameID)
	}
	into.Port, into.SteamID, into.TVPort, into.GameID = 0, 0, 0, 0
	if into.Extra&HasPort != 0 {
		into.Port = r.u16()
	}
	if into.Extra&HasSteamID != 0 {
		into.SteamID = r.u64()
	}
	if into.Extra&HasTV != 0 {
		into.TVPort = r.u16()
		r.text(&into.TVName)
	} else {
		into.TVName = ""
	}
	if into.Extra&HasKeywords != 0 {
		r.text(&into.Keywords)
	} else {
		into.Keywords = ""
	}
	if into.Extra&HasGameID != 0 {
		into.GameID = r.u64()
	}
	if r.short {
		return fmt.Errorf("a2s: info cut short in its extra fields: %w", ErrMalformed)
	}
	return nil
}

// AppendInfo appends an A2S_INFO reply. It writes only the optional fields in i.Extra.
func AppendInfo(dst []byte, i Info) []byte {
	dst = append(dst, single...)
	dst = append(dst, ReplyInfo, i.Protocol)
	dst = appendString(dst, i.Name)
	dst = appendString(dst, i.Map)
	dst = appendString(dst, i.Folder)
	dst = appendString(dst, i.Game)
	dst = binary.LittleEndian.AppendUint16(dst, i.AppID)
	dst = append(dst, i.Players, i.MaxPlayers, i.Bots, i.ServerType, i.OS, bit(i.Password), bit(i.VAC))
	dst = appendString(dst, i.Version)
	if i.Extra == 0 {
		return dst
	}
	dst = append(dst, i.Extra&(HasPort|HasSteamID|HasTV|HasKeywords|HasGameID))
	if i.Extra&HasPort != 0 {
		dst = binary.LittleEndian.AppendUint16(dst, i.Port)
	}
	if i.Extra&HasSteamID != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, i.SteamID)
	}
	if i.Extra&HasTV != 0 {
		dst = binary.LittleEndian.AppendUint16(dst, i.TVPort)
		dst = appendString(dst, i.TVName)
	}
	if i.Extra&HasKeywords != 0 {
		dst = appendString(dst, i.Keywords)
	}
	if i.Extra&HasGameID != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, i.GameID)
	}
	return dst
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
