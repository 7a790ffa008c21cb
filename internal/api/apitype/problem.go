package apitype

// Problem is a failure as RFC 9457 has it, with the hint as a member of our own.
type Problem struct {
	Type   string   `json:"type" doc:"Always about:blank: the status says what sort of failure it is"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail" doc:"One sentence for the person who asked"`
	Hint   string   `json:"hint,omitempty" doc:"What to do about it"`
	Errors []Detail `json:"errors,omitempty" doc:"What is wrong with each field"`
}

// Detail is what is wrong with one field of a request.
type Detail struct {
	Message  string `json:"message"`
	Location string `json:"location" doc:"body.port, body.settings.cfg[3], path.name, query.limit"`
	Value    any    `json:"value,omitempty"`
}
