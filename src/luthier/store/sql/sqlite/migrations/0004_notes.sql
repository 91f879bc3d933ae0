-- What is noted beside the moves of trials, the rules' decisions and the looks at the test set, is found without reading
-- the moves.
CREATE INDEX event_decided ON event (experiment, trial, revision) WHERE kind = 'decided';
CREATE INDEX event_looked ON event (experiment, revision) WHERE kind = 'looked';
