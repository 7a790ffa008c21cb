// Package legacyimport takes over what the older left4me, written in Python, kept in
// its database: users, blueprints, servers and what is to be known of overlays.
//
// The schema of that database was never published. So tables and columns are
// found by the names that they may have, and whatever is not understood, or can't
// be expressed, is in the report: nothing is dropped in silence. Read decides and
// changes nothing; Apply adds what isn't there, so that it may run again.
package legacyimport
