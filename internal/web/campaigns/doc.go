// Package campaigns is how campaigns, their chapters and modes are told on pages.
package campaigns
