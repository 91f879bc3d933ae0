-- Whoever runs an attempt looks, as often as the experiment changes, whether a person wants it ended.

CREATE INDEX event_requested ON event (experiment, revision) WHERE kind = 'requested';
