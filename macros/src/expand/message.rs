//! Serialisation by our own copy of serde, so that the user's manifest needs none.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput};

use crate::check::carried;
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
    let check = fields_are_messages(data, path);
    quote! {
        #check
        #import
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde)]
        #[allow(clippy::unsafe_derive_deserialize)]
        #item
    }
}

/// Asks of every field, at the user's own type, what serde would ask of it in its own words.
fn fields_are_messages(data: &DeriveInput, path: &Crate) -> TokenStream {
    // Which bounds a generic type needs is serde's to find out.
    if !data.generics.params.is_empty() {
        return TokenStream::new();
    }
    let fields = match &data.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    let plain = fields.into_iter().filter(|field| !carried::is_special(&field.attrs));
    let asked = plain.map(|field| {
        let ty = &field.ty;
        quote_spanned!(ty.span()=> __offspring_is_message::<#ty>();)
    });
    let condition = carried::from(&data.attrs).condition;
    quote! {
        #(#condition)*
        #[allow(dead_code, deprecated, clippy::extra_unused_type_parameters)]
        const _: () = {
            fn __offspring_is_message<T: #path::Message>() {}
            fn __offspring_are_messages() {
                #(#asked)*
            }
        };
    }
}
