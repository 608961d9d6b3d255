//! The tests are in `tests/`; this crate has no code of its own.
//!
#![doc = include_str!("behaviours.md")]
//!
//! # Programs of older editions
//!
//! They stand here, as the others are all built with the workspace's.
//!
//! Before edition 2024, the temporaries of a last expression are dropped after the locals; also in a traced function:
//!
//! ```edition2021
//! use std::cell::Cell;
//!
//! use otel_runtime::traced_span;
//!
//! thread_local! {
//!     static DROPPED: Cell<String> = const { Cell::new(String::new()) };
//! }
//!
//! struct Noted(&'static str);
//!
//! impl Drop for Noted {
//!     fn drop(&mut self) {
//!         DROPPED.set(DROPPED.take() + self.0 + " ");
//!     }
//! }
//!
//! impl Noted {
//!     fn length(&self) -> usize {
//!         self.0.len()
//!     }
//!
//!     fn some(&self) -> Option<usize> {
//!         Some(self.length())
//!     }
//! }
//!
//! #[traced_span]
//! fn number(_parameter: Noted) -> usize {
//!     let _local = Noted("local");
//!     Noted("temporary").length()
//! }
//!
//! #[traced_span]
//! fn option(_parameter: Noted) -> Option<usize> {
//!     let _local = Noted("local");
//!     Noted("temporary").some()
//! }
//!
//! #[traced_span]
//! async fn later(_parameter: Noted) -> usize {
//!     let _local = Noted("local");
//!     Noted("temporary").length()
//! }
//!
//! const ORDER: &str = "local temporary parameter ";
//! number(Noted("parameter"));
//! assert_eq!(DROPPED.take(), ORDER);
//! option(Noted("parameter"));
//! assert_eq!(DROPPED.take(), ORDER);
//! let later = std::pin::pin!(later(Noted("parameter")));
//! let waker = std::task::Waker::noop();
//! assert!(later.poll(&mut std::task::Context::from_waker(waker)).is_ready());
//! assert_eq!(DROPPED.take(), ORDER);
//! # use std::future::Future;
//! ```
