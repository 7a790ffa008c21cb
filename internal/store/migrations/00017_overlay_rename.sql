-- +goose Up
-- The name that an overlay has on its host, from before it was renamed; empty when it is the
-- one that the overlay has. It stays: files of the overlay, configurations and mounts of
-- servers name it. No other overlay may have either.
ALTER TABLE overlay ADD COLUMN host_name TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX overlay_host_name ON overlay(host_name) WHERE host_name <> '';
