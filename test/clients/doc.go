// Package clients holds tests that look at the API as clients do: every answer
// of a running left4me against the description, and, with the build tag clients,
// clients that other people's programs generate from the description.
package clients
