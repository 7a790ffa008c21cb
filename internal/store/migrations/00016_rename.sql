-- +goose Up
-- The name that the host of a server still uses, from before it was renamed; empty when it
-- is the one that the server has. No other server may have either.
ALTER TABLE server ADD COLUMN host_name TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX server_host_name ON server(host_name) WHERE host_name <> '';
