// Package apiclient calls left4me's JSON API: over the local socket of this machine,
// or at an address with a token.
//
// It trusts no answer. Each request has a deadline, each answer a largest size, and
// what a proxy or another program answers becomes an error that says so. The local
// socket is used only when root, this user or the owner of its directory listens
// there. Streams are resumed behind their last event, uploads where they were
// interrupted. Errors have the kinds of package left4me.
package apiclient
