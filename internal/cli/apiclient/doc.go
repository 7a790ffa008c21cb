// Package apiclient is a client of left4me's JSON API, over the local socket of this machine or at
// a URL with a token.
//
// It does not trust answers: each request has a time limit and each answer a maximum size, and
// answers of a proxy or another program are reported as such. The local socket is only used if its
// listener is root, the current user or the owner of the socket's directory. Interrupted streams
// resume after their last event, interrupted uploads at the bytes received. Errors have the kinds
// of package left4me.
package apiclient
