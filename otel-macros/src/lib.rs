//! To be written.

use proc_macro::TokenStream;

/// To be written.
#[proc_macro_attribute]
pub fn traced_span(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// To be written.
#[proc_macro_attribute]
pub fn span_attr(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// To be written.
#[proc_macro_attribute]
pub fn span_event(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
