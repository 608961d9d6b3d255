// @generated automatically by Diesel CLI.

diesel::table! {
    bookings (id) {
        id -> BigInt,
        room_id -> BigInt,
        start -> Date,
        end -> Date,
        cleaning_planned -> Bool,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text,
        payload -> Text,
        headers -> Text,
    }
}

diesel::table! {
    rooms (id) {
        id -> BigInt,
        number -> Text,
        name -> Text,
    }
}

diesel::joinable!(bookings -> rooms (room_id));

diesel::allow_tables_to_appear_in_same_query!(bookings, outbox, rooms,);
