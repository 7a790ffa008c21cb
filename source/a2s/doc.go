// Package a2s implements the server queries of the Source engine over UDP: A2S_INFO, A2S_PLAYER and
// A2S_RULES.
//
// The package contains both sides. Clients use [Client], or, if one socket serves many servers,
// [AppendRequest], [ReplyOf], [ParseChallenge], [ParseInfoInto], [ParsePlayersInto] and one [Assembler]
// per server. Servers use [ParseRequest], the Append functions and [Split].
//
// The parsers accept untrusted bytes: they never panic, never read past the packet, and allocate memory
// in proportion to its size. Strings are returned as the server sent them and may contain invalid UTF-8
// or control characters. Replies of GoldSource servers and of The Ship (app 2400) are not supported.
//
// The format is documented as "Server queries" in the Valve Developer Community wiki; split replies use
// the header of the Orange Box engine. All integers are little-endian, and strings are zero-terminated.
package a2s
