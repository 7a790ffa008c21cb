package apitype

// ConsoleChunk is a piece of console output: whole lines, each terminated by a line feed. The id of
// its event is the position after it, for Last-Event-ID.
type ConsoleChunk struct {
	Text string `json:"text"`
	Lost int64  `json:"lost" doc:"Number of bytes before this text that are no longer available"`
}

// ConsoleTail is the end of a server's console output.
type ConsoleTail struct {
	Text     string `json:"text" doc:"Whole lines"`
	Position int64  `json:"position" doc:"Position of the end of text: a Last-Event-ID that continues without a gap. Negative: unknown"`
}

// Command is the request to run a console command.
type Command struct {
	Command string `json:"command" doc:"A single line"`
}

// CommandOutput is the output of a command.
type CommandOutput struct {
	Output string `json:"output"`
}
