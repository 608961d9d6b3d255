//! What the instrumentations record, where `sdk_provider` has the SDK make the spans; the name of this file lets `recorded`
//! choose it.

mod instrument;
mod polling;
mod recorded;
