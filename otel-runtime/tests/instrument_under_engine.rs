//! What the instrumentations record, under this crate's own engine; the name of this file lets `recorded` choose it.

mod instrument;
mod polling;
mod recorded;
