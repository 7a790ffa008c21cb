package apitype

import "github.com/left4me/left4me/internal/left4me"

// Problem is a problem document (RFC 9457) with additional members.
type Problem struct {
	Type   string       `json:"type" doc:"Always about:blank: status identifies the type of failure"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail" doc:"One sentence for the user"`
	Hint   string       `json:"hint,omitempty" doc:"Remedy for the failure"`
	Code   string       `json:"code" doc:"Stable code of the failure: see docs/errors.md"`
	Args   left4me.Args `json:"args,omitempty" doc:"Arguments of detail and hint, by their names in the code's text"`
	Errors []Detail     `json:"errors,omitempty" doc:"Invalid fields of the request"`

	RequestID string `json:"request_id" doc:"Same as the header X-Request-Id; the log contains it"`
}

// Detail describes an invalid field of a request.
type Detail struct {
	Message  string       `json:"message"`
	Location string       `json:"location" doc:"body.port, body.settings.cfg[3], path.name, query.limit"`
	Value    any          `json:"value,omitempty"`
	Code     string       `json:"code" doc:"Stable code of the failure: see docs/errors.md"`
	Args     left4me.Args `json:"args,omitempty" doc:"Arguments of message, by their names in the code's text"`
}
