package apitype

import "github.com/left4me/left4me/internal/left4me"

// Problem is a failure as RFC 9457 has it, with the hint as a member of our own.
type Problem struct {
	Type   string       `json:"type" doc:"Always about:blank: the status says what sort of failure it is"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail" doc:"One sentence for the person who asked"`
	Hint   string       `json:"hint,omitempty" doc:"What to do about it"`
	Code   string       `json:"code" doc:"What failed, for programs: one of docs/errors.md"`
	Args   left4me.Args `json:"args,omitempty" doc:"What detail and hint are made of, by the names that the code has for it"`
	Errors []Detail     `json:"errors,omitempty" doc:"What is wrong with each field"`

	RequestID string `json:"request_id" doc:"As in the header X-Request-Id; the log has it"`
}

// Detail is what is wrong with one field of a request.
type Detail struct {
	Message  string       `json:"message"`
	Location string       `json:"location" doc:"body.port, body.settings.cfg[3], path.name, query.limit"`
	Value    any          `json:"value,omitempty"`
	Code     string       `json:"code" doc:"What is wrong, for programs: one of docs/errors.md"`
	Args     left4me.Args `json:"args,omitempty" doc:"What the message is made of, by the names that the code has for it"`
}
