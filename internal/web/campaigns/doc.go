// Package campaigns prepares campaigns, their chapters and their game modes for pages.
package campaigns
