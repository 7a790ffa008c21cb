-- +goose Up
-- The host's name of a renamed server until its next start; empty if it equals the name. No other
-- server may have either name.
ALTER TABLE server ADD COLUMN host_name TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX server_host_name ON server(host_name) WHERE host_name <> '';
