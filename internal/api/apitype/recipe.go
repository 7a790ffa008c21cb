package apitype

// Recipe is a script template.
type Recipe struct {
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	Text       string      `json:"text" doc:"What the script creates"`
	Parameters []Parameter `json:"parameters"`
	Script     string      `json:"script" doc:"bash script; each parameter is a variable in it"`
}

// Parameter is a parameter of a script template.
type Parameter struct {
	Name    string `json:"name" doc:"Name of the variable"`
	Title   string `json:"title"`
	Default string `json:"default" doc:"Default value"`
	Hint    string `json:"hint"`
}
