CREATE TABLE rooms (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
);

CREATE TABLE bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    start DATE NOT NULL,
    "end" DATE NOT NULL,
    cleaning_planned BOOLEAN NOT NULL DEFAULT FALSE,
    CHECK (start < "end")
);

CREATE INDEX bookings_by_room ON bookings (room_id, start);

INSERT INTO rooms (number, name) VALUES
    ('1', 'President Suite'),
    ('101', 'Garden Room'),
    ('102', 'Harbour Room'),
    ('201', 'Attic Room');
