package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Blueprint is a reusable recipe for servers.
type Blueprint struct {
	ID        left4me.ID        `json:"id" doc:"Never used again: the next blueprint of the same name has another"`
	Name      left4me.Name      `json:"name"`
	Overlays  []string          `json:"overlays" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings  left4me.Settings  `json:"settings" doc:"Without passwords for people who may change nothing"`
	Servers   []left4me.Name    `json:"servers" doc:"That are made from it"`
	Version   int               `json:"version" doc:"Counts its changes"`
	Warnings  []left4me.Warning `json:"warnings" doc:"Problems that may keep its servers from starting; empty in lists"`
	CreatedAt time.Time         `json:"created_at"`
}

// NewBlueprint is what a blueprint is created from.
type NewBlueprint struct {
	Name     string           `json:"name"`
	Overlays []string         `json:"overlays,omitempty" doc:"Top of the stack first: maps, or maps@3 to stay at a revision"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

// BlueprintDefinition is what a blueprint is changed to.
type BlueprintDefinition struct {
	Version  int              `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
	Overlays []string         `json:"overlays,omitzero"`
	Settings left4me.Settings `json:"settings,omitempty"`
}
