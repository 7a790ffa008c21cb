package apitype

// Recipe is a script to begin with.
type Recipe struct {
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	Text       string      `json:"text" doc:"What it makes"`
	Parameters []Parameter `json:"parameters"`
	Script     string      `json:"script" doc:"For bash; each parameter is a variable of it"`
}

// Parameter is what people may change of a recipe.
type Parameter struct {
	Name    string `json:"name" doc:"Of the variable"`
	Title   string `json:"title"`
	Default string `json:"default" doc:"What it is set to"`
	Hint    string `json:"hint"`
}
