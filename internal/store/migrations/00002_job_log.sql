-- +goose Up
-- Last lines of output, a JSON array.
ALTER TABLE job ADD COLUMN log TEXT NOT NULL DEFAULT '[]';
