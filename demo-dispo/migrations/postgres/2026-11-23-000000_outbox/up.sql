-- Messages that are stored together with what they tell of, until they are sent. The id is a ULID, so it sorts by time.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    payload TEXT NOT NULL,
    headers TEXT NOT NULL
);
