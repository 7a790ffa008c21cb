-- +goose Up
ALTER TABLE server    ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- counts its changes
ALTER TABLE blueprint ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
