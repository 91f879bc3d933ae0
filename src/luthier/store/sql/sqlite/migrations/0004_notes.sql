-- What is noted beside the trials' moves, the rules' decisions and the looks at the test set, is found without reading
-- the moves.
CREATE INDEX event_noted ON event (experiment, trial, revision) WHERE kind IN ('decided', 'looked');
