-- The workers of a store, as they tell of themselves, and small contents that travel with the record: the code of
-- experiments, for machines that do not have it.

CREATE TABLE worker (
    name TEXT PRIMARY KEY,
    seen REAL NOT NULL,                        -- when it last said so
    said TEXT NOT NULL                         -- JSON: host, pid, began, state, slots, ...
) WITHOUT ROWID;

CREATE TABLE blob (
    name    TEXT PRIMARY KEY,                  -- a digest is part of it: it never changes
    content BLOB NOT NULL
);
