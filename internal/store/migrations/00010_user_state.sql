-- +goose Up
ALTER TABLE user ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0; -- neither password nor token lets this user in
-- Counts changes of password, role and state: a login that began before one of them makes no session after it.
ALTER TABLE user ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
