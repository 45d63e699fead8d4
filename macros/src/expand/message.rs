//! Serialisation by our own copy of serde, so that the user's manifest needs none.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::path::Crate;

/// The type as it was, under serde's derives.
pub(crate) fn expand(data: &DeriveInput, path: &Crate, item: &TokenStream) -> TokenStream {
    let private = path.private();
    let mut serde = path.serde();
    let mut import = None;
    if path.is_hygienic() {
        // serde takes the path as a string, where `$crate` means nothing: give it a name first.
        let alias = format_ident!("__offspring_serde_{}", data.ident, span = Span::call_site());
        serde = alias.to_string();
        import = Some(quote! {
            #[doc(hidden)]
            #[allow(non_snake_case, unused_imports)]
            use #private::serde as #alias;
        });
    }
    quote! {
        #import
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde)]
        #[allow(clippy::unsafe_derive_deserialize)]
        #item
    }
}
