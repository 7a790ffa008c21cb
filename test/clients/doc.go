// Package clients tests the API from a client's view: every answer of a running left4me is compared
// with the API description. With the build tag clients, it also tests clients that independent
// generators create from the description.
package clients
