-- +goose Up
ALTER TABLE server    ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- number of changes
ALTER TABLE blueprint ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
