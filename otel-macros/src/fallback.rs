//! What is emitted when the input is wrong: the mistakes, and the item without our helpers, so that its callers still
//! resolve and one mistake makes one error.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::errors::Errors;
use crate::function::Function;
use crate::helpers::Lifted;

/// The function as it was written, after the mistakes.
pub(crate) fn function(
    errors: Errors,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let errors = errors.into_tokens();
    let mentions = lifted.mentions();
    let function = function.with_body(&quote!(#mentions #body));
    quote!(#errors #function)
}

/// An item that could not be read, after the mistake.
pub(crate) fn item(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    let item = item.to_token_stream();
    quote!(#error #item)
}
