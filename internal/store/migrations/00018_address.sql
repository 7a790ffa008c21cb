-- +goose Up
-- Host that players connect to, as set by a user; empty if it was never set.
ALTER TABLE site ADD COLUMN address TEXT NOT NULL DEFAULT '';
