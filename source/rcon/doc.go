// Package rcon is a client for the remote console of Source engine servers, and the packets for a server.
//
// The protocol is "Source RCON Protocol" of the Valve Developer Community: TCP, packets of int32 size, int32 id,
// int32 type, a body and two zero bytes, little-endian. The password crosses the wire in clear: keep it on the
// loopback interface.
//
// A server bans an address after a few wrong passwords (sv_rcon_maxfailures), often for good. Hence nothing here
// ever tries again by itself: not the password, not the connection, not a command.
package rcon
