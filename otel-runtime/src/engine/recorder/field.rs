//! The numbers of the fields of OTLP's messages, those of `Span` first, and of what they hold. Those that only a request
//! has stand where it is made.
//! <https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto>

pub(crate) const TRACE_STATE: u8 = 3;
pub(crate) const NAME: u8 = 5;
pub(crate) const ATTRIBUTES: u8 = 9;
pub(crate) const DROPPED_ATTRIBUTES: u8 = 10;
pub(crate) const EVENTS: u8 = 11;
pub(crate) const DROPPED_EVENTS: u8 = 12;
pub(crate) const LINKS: u8 = 13;
pub(crate) const DROPPED_LINKS: u8 = 14;
pub(crate) const STATUS: u8 = 15;

/// Bits of the flags, above those of the W3C: whether it is known that the parent is remote, and whether it is.
pub(crate) const IS_REMOTE_KNOWN: u16 = 0x100;
pub(crate) const IS_REMOTE: u16 = 0x200;

/// Fields of `Event`.
pub(crate) mod event {
    pub(crate) const TIME: u8 = 1;
    pub(crate) const NAME: u8 = 2;
    pub(crate) const ATTRIBUTES: u8 = 3;
    pub(crate) const DROPPED_ATTRIBUTES: u8 = 4;
}

/// Fields of `Link`.
pub(crate) mod link {
    pub(crate) const TRACE_ID: u8 = 1;
    pub(crate) const SPAN_ID: u8 = 2;
    pub(crate) const TRACE_STATE: u8 = 3;
    pub(crate) const ATTRIBUTES: u8 = 4;
    pub(crate) const DROPPED_ATTRIBUTES: u8 = 5;
    pub(crate) const FLAGS: u8 = 6;
}

/// Fields of `Status`, and its codes.
pub(crate) mod status {
    pub(crate) const MESSAGE: u8 = 2;
    pub(crate) const CODE: u8 = 3;

    pub(crate) const OK: u64 = 1;
    pub(crate) const ERROR: u64 = 2;
}

/// Fields of `KeyValue`.
pub(crate) mod key_value {
    pub(crate) const KEY: u8 = 1;
    pub(crate) const VALUE: u8 = 2;
}

/// Fields of `AnyValue`.
pub(crate) mod any_value {
    pub(crate) const STRING: u8 = 1;
    pub(crate) const BOOL: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const DOUBLE: u8 = 4;
    pub(crate) const ARRAY: u8 = 5;
}

/// The field of `ArrayValue`.
pub(crate) mod array_value {
    pub(crate) const VALUES: u8 = 1;
}
