-- The workers of a store, as they tell of themselves, and small contents that travel with the record: the code of
-- experiments, for machines that do not have it.

CREATE TABLE worker (
    name text PRIMARY KEY,
    seen double precision NOT NULL,                        -- when it last said so
    said text NOT NULL                         -- JSON: host, pid, began, state, slots, ...
);

CREATE TABLE blob (
    name    text PRIMARY KEY,                  -- a digest is part of it: it never changes
    content bytea NOT NULL
);
