// Package rcon is a client for the remote console of Source engine servers. It also encodes and decodes
// packets for servers.
//
// The protocol is documented as "Source RCON Protocol" in the Valve Developer Community wiki: TCP,
// packets of int32 size, int32 ID, int32 type, a body and two zero bytes, little-endian. The password
// is sent in clear text, so use it on the loopback interface only.
//
// A server bans an address after a few wrong passwords (sv_rcon_maxfailures), often permanently. The
// package therefore never retries a password, a connection or a command.
package rcon
