-- +goose Up
ALTER TABLE user ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0; -- password and tokens are refused
-- Number of changes of password, role and state. A login that began before a change creates no session after it.
ALTER TABLE user ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
