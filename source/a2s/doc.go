// Package a2s speaks the server queries of the Source engine: A2S_INFO, A2S_PLAYER and A2S_RULES over UDP.
//
// It has both sides. Clients use [Client], or, when one socket serves many servers, [AppendRequest], [ReplyOf],
// [ParseChallenge], [ParseInfoInto], [ParsePlayersInto] and one [Assembler] per server. Servers use
// [ParseRequest], the Append functions and [Split].
//
// Parsers take what the network brings: they never panic, never read past the packet, and need memory in
// proportion to it. Strings are returned as the server sent them and may hold invalid UTF-8 or control
// characters. Not supported: the replies of GoldSource servers and of The Ship (app 2400).
//
// The format is "Server queries" of the Valve Developer Community, with the split header of the Orange Box engine.
// All integers are little-endian, strings end with a zero byte.
package a2s
