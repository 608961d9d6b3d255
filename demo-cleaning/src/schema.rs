// @generated automatically by Diesel CLI.

diesel::table! {
    cleanings (id) {
        id -> BigInt,
        booking_id -> BigInt,
        room -> Text,
        day -> Date,
    }
}
