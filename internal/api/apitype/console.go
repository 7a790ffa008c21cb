package apitype

// ConsoleChunk is a piece of a console: whole lines, each ended by a line feed.
// The id of its event is the position behind it, for Last-Event-ID.
type ConsoleChunk struct {
	Text string `json:"text"`
	Lost int64  `json:"lost" doc:"Bytes before this text that are gone"`
}

// ConsoleTail is the end of what a server printed.
type ConsoleTail struct {
	Text     string `json:"text" doc:"Whole lines"`
	Position int64  `json:"position" doc:"Of the end of the text: Last-Event-ID that continues without a gap. Negative: none"`
}

// Command is a console command.
type Command struct {
	Command string `json:"command" doc:"One line"`
}

// CommandOutput is what a command printed.
type CommandOutput struct {
	Output string `json:"output"`
}
