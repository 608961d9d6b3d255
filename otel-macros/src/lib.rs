//! The attributes `#[traced_span]`, `#[span_attr]` and `#[span_event]`: OpenTelemetry spans for annotated functions.
//!
//! Use them through the crate `otel-runtime`, which re-exports them and holds what their expansions call.

mod args;
mod block;
mod body;
mod boxed;
mod errors;
mod expand;
mod fallback;
mod function;
mod helpers;
mod inline;
mod plan;
mod syntax;
#[cfg(test)]
mod tests;
mod traced_span;
mod unrecorded;
mod untraced;

use proc_macro::TokenStream;

/// Whether the attributes record, or only check what they are given.
const RECORDING: bool = cfg!(feature = "recording");

/// Puts a span around a function, from its call to its true end.
///
/// It stands on functions and methods, sync and async, in `impl` blocks and traits, also those of `#[async_trait]`. A
/// function that hands out a future or a stream has a span until that is done, where its type says so: `impl Future`,
/// `Pin<Box<dyn Future>>`, or an alias called `BoxFuture` or `LocalBoxFuture`; the same with `Stream`. Behind another name,
/// such as `Self::Future`, the attribute sees a value like any other, and the span ends when it is returned; what is handed out
/// there gets its span by `.in_span("name")`. What the attribute hands out is a future or stream, fused where the type says so,
/// and has no further traits such as `Clone` or `Sink`. One that comes in a box is put into another; of what it comes to, the compiler
/// may then ask that it lives as long (`T: 'static`).
///
/// ```
/// use otel_runtime::traced_span;
///
/// #[traced_span]
/// fn tidy() {}
///
/// #[traced_span("room.find", kind = client)]
/// async fn find(id: u32) -> Result<String, std::io::Error> {
///     Ok(format!("room {id}"))
/// }
/// # tidy();
/// # drop(find(1));
/// ```
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | first literal, or `name = expr` | the function's name | the span's name; an expression is evaluated only where a span is made |
/// | `kind = internal \| server \| client \| producer \| consumer` | `internal` | the span's kind |
/// | `parent = expr` | the current context | an explicit `opentelemetry::Context` or `SpanContext`; unless spans are switched off, it is current in the function also where no span is recorded |
/// | `root` | off | no parent at all: a trace of its own; excludes `parent` |
/// | `links = expr` | none | anything that iterates over span contexts |
/// | `err = display \| debug \| off \| <closure>` | `Display`, else `Debug`, else the type's name | how an `Err` is described |
/// | `err_if = <closure>` | every `Err` | which errors count; the others leave the status alone |
/// | `scope = "name"` | the crate's name and version | the instrumentation scope |
/// | `leaf` | off | recorded, but not made current: for small hot functions that start no spans of their own. `#[span_attr]` and `#[span_event]` are for the function and its parameters then; in the body they are refused |
/// | `crate = path` | `::otel_runtime` | where the runtime lives, for a re-export; helpers without `#[traced_span]`, and `attr!` and `event!`, have no such option |
///
/// ```
/// # use otel_runtime::traced_span;
/// const NAME: &str = "room.find";
///
/// #[traced_span(name = NAME, err = |error| format!("code {error}"))]
/// fn find(id: u32) -> Result<u32, i32> {
///     if id == 0 { Err(-1) } else { Ok(id) }
/// }
/// # assert!(find(0).is_err());
///
/// #[traced_span("room.audit", root, err_if = |error| *error < 0)]
/// fn audit() -> Result<(), i32> {
///     Err(1)
/// }
///
/// #[traced_span(parent = caller, links = others, scope = "rooms")]
/// fn joined(caller: &opentelemetry::Context, others: &[opentelemetry::trace::SpanContext]) {}
///
/// #[traced_span(leaf)]
/// fn hash(text: &str) -> usize {
///     text.len()
/// }
/// # assert!(audit().is_err());
/// # joined(&opentelemetry::Context::new(), &[]);
/// # hash("x");
/// ```
///
/// # How the span ends
///
/// | the call | status | recorded |
/// |---|---|---|
/// | returns, also with `Ok` | unset | |
/// | returns an `Err`, also by `?` and behind an alias of `Result` | Error, with the description | attribute `error.type`; event `exception` with `exception.type` and `exception.message` |
/// | panics | Error | attribute `error.type`, event `exception`; the panic goes on |
/// | async: is dropped after its first poll and before it is ready | unset | attribute `otel_runtime.cancelled` |
/// | an `async fn`, or a function that is one `async` block: is never polled | | no span at all |
/// | hands out a future in another way, as after statements of its own: is never polled | unset | the span starts with the call; attribute `otel_runtime.cancelled` |
/// | hands out a stream: is dropped, polled or not | unset | the span starts with the call |
///
/// The result of a `#[track_caller]` function is not looked at, so that it still sees its caller.
///
/// The span of an async function is current whenever its future is polled or dropped, and only then. Each adds two futures to
/// those that the compiler has to look through; where some ten call each other it may find that too deep, and says how to
/// allow more: `#![recursion_limit = "256"]`.
///
/// # Inside a traced function
///
/// The same attribute, with a name, traces a block, the value of a `let`, an expression statement, a closure, an `async`
/// block or a match arm; `?`, `return`, `break` and `continue` keep their meaning. What it traces may `.await` where the
/// traced function is an `async fn`, or hands out a future that is one `async` block: the span is then current whenever that is
/// polled within the part. Temporaries, such as the guard of a lock, live as long as without the span, also where they
/// outlive it; the edition that counts is your crate's. A part that is left by `?` has its status unset: the error is that of
/// the function, whose type says what an error is; so `err` and `err_if` are refused on a part. A place, as in `&mut list[0]`, is
/// not traced by itself: a copy would stand there. Nor is an `async` closure as a whole; the `async` block of a closure that
/// returns one is. Where no attribute reaches, there are [`macro@span`], [`macro@attr`] and [`macro@event`].
/// [`macro@span_attr`] and [`macro@span_event`] record on statements.
///
/// ```
/// use otel_runtime::{span_attr, span_event, traced_span};
///
/// #[traced_span]
/// fn sum(rows: &[&str]) -> Result<u32, std::num::ParseIntError> {
///     let mut sum = 0;
///     #[traced_span("rows.parse")]
///     for row in rows {
///         sum += row.parse::<u32>()?;
///     }
///     #[span_attr("rows.sum.doubled")]
///     let doubled = sum * 2;
///     #[span_event("rows.summed", "sum" = sum)]
///     Ok(doubled)
/// }
/// # assert_eq!(sum(&["1", "2"]), Ok(6));
/// ```
///
/// # On a block of functions
///
/// On an `impl` block, a trait or an inline module it traces every function in it, named `Type::method` (a function of the
/// module itself `module::function`), with the options that it has there; a `const fn` and a method without a body are left
/// out. `#[traced_span(skip)]` on a function leaves it out, `#[traced_span("other")]` gives it another name, and an option
/// that is written there counts instead of the block's. A block in a module that has an attribute of its own is left to that.
///
/// ```
/// use otel_runtime::traced_span;
///
/// struct Rooms;
///
/// #[traced_span(kind = client)]
/// impl Rooms {
///     /// Makes the span `Rooms::find`.
///     fn find(&self) {}
///
///     #[traced_span(skip)]
///     fn len(&self) -> usize {
///         1
///     }
/// }
/// # Rooms.find();
/// # Rooms.len();
/// ```
///
#[doc = include_str!("../docs/traced_span.md")]
#[proc_macro_attribute]
pub fn traced_span(args: TokenStream, item: TokenStream) -> TokenStream {
    traced_span::expand(RECORDING, args.into(), &item.into()).into()
}

/// Records attributes on a span. On a function or a parameter that is the function's own under [`macro@traced_span`], else the
/// one that is current when the function is called. On a `let` or a statement it is the one that is current there.
///
/// ```
/// use otel_runtime::{span_attr, traced_span};
///
/// struct Booking { room: String, nights: u8 }
///
/// #[traced_span("booking.create")]
/// #[span_attr("room" = booking.room, booking.nights = booking.nights, guest = %guest.display(), "booking.id" = |ok| *ok)]
/// fn create(booking: &Booking, guest: &std::path::Path) -> Result<u64, std::io::Error> {
///     Ok(7)
/// }
///
/// #[traced_span("room.find")]
/// fn find(#[span_attr("room.id")] id: u32, #[span_attr] floor: Option<u8>) -> u32 {
///     #[span_attr]
///     let rooms = id + u32::from(floor.unwrap_or(0));
///     rooms
/// }
/// # let booking = Booking { room: String::new(), nights: 1 };
/// # assert!(create(&booking, std::path::Path::new("x")).is_ok());
/// # assert_eq!(find(1, None), 1);
/// ```
///
/// | stands on | written | records |
/// |---|---|---|
/// | a function | `#[span_attr("key" = value, ..)]` | these, when it is called |
/// | a parameter of a traced function | `#[span_attr]`, `#[span_attr("key")]` | the argument, under its name or the key |
/// | a `let` in a traced function | `#[span_attr]`, `#[span_attr("key")]` | the bound value, after the `let` |
/// | a statement in a traced function | `#[span_attr("key" = value, ..)]` | these, after the statement |
///
/// On a function it works above and below `#[traced_span]`, and written with its path.
///
/// Within a traced part, what stands on a `let` or a statement records on the span of the part. Where the function, or the
/// part, is switched off by a rule, it records on the span around it: for a function that is its caller's.
///
/// # Keys
///
/// A string literal, an identifier or dotted identifiers (`room.id`), a path to a constant (`semconv::HTTP_ROUTE`), or
/// an expression in braces (`{key()}`).
///
/// # Values
///
/// Booleans, numbers and strings, lists and `Option`s of these, and references to them, keep their type (see
/// `otel_runtime::AttributeValue`); `%value` records what `Display` says, `?value` what `Debug` says. A value is evaluated once
/// when the span records, and not at all otherwise; so `?`, `return`, `break`, `continue` and `.await` cannot leave it, nor what
/// keys, names and the options of [`macro@traced_span`] evaluate. A value names an argument before the body can give it away. A closure is evaluated over the result when the function returns: it sees the value
/// inside an `Ok`, or what the function returns if that is no `Result`. What else it names must still be there, which what the
/// body gives away or changes through a `&mut` is not, nor, where a future is handed out, what that owns for another value; a
/// number is what it was when the function was called. What the closure gives is recorded by its type: `|ok| format!("{ok:?}")`
/// records what `Debug` says.
///
#[doc = include_str!("../docs/span_attr.md")]
#[proc_macro_attribute]
pub fn span_attr(args: TokenStream, item: TokenStream) -> TokenStream {
    untraced::expand(
        RECORDING,
        helpers::Ours::SpanAttr,
        args.into(),
        &item.into(),
    )
    .into()
}

/// Records an event on a span. On a function that is the function's own under [`macro@traced_span`], else the one that is
/// current when the function is called. On a statement it is the one that is current there, as for [`macro@span_attr`].
///
/// ```
/// use otel_runtime::{span_event, traced_span};
///
/// #[span_event("message.received", "payload" = payload)]
/// fn receive(payload: &str) {}
///
/// #[traced_span("booking.store")]
/// #[span_event("booking.stored", "booking.id" = |ok| *ok)]
/// fn store() -> Result<u64, std::io::Error> {
///     #[span_event("store.opened")]
///     let id = 7;
///     Ok(id)
/// }
/// # receive("{}");
/// # assert!(store().is_ok());
/// ```
///
/// The name comes first, then attributes as [`macro@span_attr`] has them. On a function the event is recorded when it is
/// called, or when it returns if a value is a closure over the result: then its other values are evaluated at the return
/// too, and cannot name what the body has given away. Where that result is an `Err` there is no value for the closure, and no
/// event. On a statement in a traced function it is recorded after the
/// statement.
///
#[doc = include_str!("../docs/span_event.md")]
#[proc_macro_attribute]
pub fn span_event(args: TokenStream, item: TokenStream) -> TokenStream {
    untraced::expand(
        RECORDING,
        helpers::Ours::SpanEvent,
        args.into(),
        &item.into(),
    )
    .into()
}

/// Puts a span around a block, where no attribute reaches.
///
/// ```
/// use otel_runtime::span;
///
/// fn find(rooms: &[u32], id: u32) -> Option<usize> {
///     let at = span!("room.search", kind = client, {
///         rooms.iter().position(|room| *room == id)?
///     });
///     Some(at + 1)
/// }
/// # assert_eq!(find(&[7], 7), Some(1));
/// ```
///
/// The name comes first, then the options of [`macro@traced_span`] other than `err` and `err_if`, then the block. It must
/// not `.await`.
///
#[doc = include_str!("../docs/span.md")]
#[proc_macro]
pub fn span(tokens: TokenStream) -> TokenStream {
    inline::span(RECORDING, tokens.into()).into()
}

/// Records attributes on the current span, as [`macro@span_attr`] does on a statement. Within a function whose span is a `leaf`, or
/// is switched off, that is the span around it.
///
/// ```
/// use otel_runtime::attr;
///
/// let room = "President Suite";
/// attr!("room" = room, room.length = room.len(), "shown" = %room);
/// ```
///
#[doc = include_str!("../docs/attr.md")]
#[proc_macro]
pub fn attr(tokens: TokenStream) -> TokenStream {
    inline::helper(RECORDING, helpers::Ours::SpanAttr, tokens.into()).into()
}

/// Records an event on the current span, as [`macro@span_event`] does on a statement. Within a function whose span is a `leaf`, or
/// is switched off, that is the span around it.
///
/// ```
/// use otel_runtime::event;
///
/// event!("message.received");
/// event!("message.received", "payload" = "{}");
/// ```
///
#[doc = include_str!("../docs/event.md")]
#[proc_macro]
pub fn event(tokens: TokenStream) -> TokenStream {
    inline::helper(RECORDING, helpers::Ours::SpanEvent, tokens.into()).into()
}
