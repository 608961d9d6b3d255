//! What is done with a function's result.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::record::records;
use super::{Frame, in_braces};
use crate::plan::{Failure, Plan};

/// What is done with the result: an `Err` is described, and what stands for the result is recorded.
pub(super) fn outcome(plan: &Plan, frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let described = match &plan.failure {
        Failure::Ignored => None,
        Failure::ByBestTrait => {
            let result = frame.result();
            Some(quote!(#inside::returned(#result).__otel_failure()))
        }
        Failure::ByDisplay(at) => {
            let result = frame.result_at(*at);
            Some(quote_spanned!(*at=> #inside::failure_by_display(#result)))
        }
        Failure::ByDebug(at) => {
            let result = frame.result_at(*at);
            Some(quote_spanned!(*at=> #inside::failure_by_debug(#result)))
        }
        Failure::By(closure) => {
            let at = closure.span();
            let result = frame.result_at(at);
            let closure = in_braces(closure, at);
            Some(quote_spanned!(at=> #inside::failure_by(#result, #closure)))
        }
    };
    let counted = plan.counted.as_ref().map(|counted| {
        let at = counted.span();
        let result = frame.result_at(at);
        let counted = in_braces(counted, at);
        quote_spanned!(at=> && #inside::counts(#result, #counted))
    });
    let (is_recording, span) = frame.recorder("is_recording");
    let (fail, _) = frame.recorder("fail");
    let failure = described.map(|failure| {
        quote! {
            if #is_recording(#span) #counted {
                #fail(#span, #failure);
            }
        }
    });
    let at_return = records(&plan.records.returned, frame);
    quote!(#failure #at_return)
}
