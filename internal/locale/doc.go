// Package locale holds every text that left4me shows to people, and writes texts,
// numbers, sizes and durations in the reader's language.
//
// Each language is one file, texts/TAG.json: an object of keys and texts. A key names
// the place where its text appears, servers.list.empty; error texts have the key
// error.CODE, and error.CODE.hint for what to do about the error. script/gen compiles the
// files into tables, so that a process that shows no text spends no time or memory on
// them.
//
// A text is a whole sentence or label. {name} stands for an argument, and {name:format}
// for one in a format:
//
//	number        an integer with the digit grouping of the language: 12,345
//	q, .200q      quoted as by %q of package fmt, after cutting to 200 characters
//	.12s          cut to 12 characters
//	x             an integer in hexadecimal digits
//	size          Bytes in the unit that fits: 1.5 kB, 12.0 MB, 3.25 GB
//	short         Bytes with two digits: 1.5 MB, 12 MB, 14 GB
//	MB            Bytes in MB, for columns
//	binary        Bytes in powers of 1024: 12.0 MiB
//	KiB, GiB      Bytes in whole KiB and GiB, without the unit
//	hours         a duration in whole hours, without the unit
//	span          a duration in hours or minutes if it is a whole number of them
//	time, date    15:04 MST and 2006-01-02 15:04 MST, in UTC
//
// Integers without a format are written without grouping, since most are ports, ids and
// versions. The argument count is the exception: it selects the plural form of a text
// that has forms, {"one": "1 player", "other": "{count} players"}, and is grouped.
//
// A part in double brackets, [[: {reason}]], is left out when an argument in it is missing
// or empty. <name>text</name> marks a part that Pieces hands to the caller, such as the
// label of a link.
package locale
