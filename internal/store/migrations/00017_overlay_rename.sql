-- +goose Up
-- The host's name of a renamed overlay; empty if it equals the name. It never changes, because the
-- overlay's files and the configurations and mounts of servers refer to it. No other overlay may
-- have either name.
ALTER TABLE overlay ADD COLUMN host_name TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX overlay_host_name ON overlay(host_name) WHERE host_name <> '';
