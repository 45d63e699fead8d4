//! A function that the fork server runs once, and its place in the list of those.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use crate::ast::Function;
use crate::check::carried;
use crate::path::Crate;

/// The function as it was, and its registration.
pub(crate) fn expand(function: &Function, path: &Crate, item: &TokenStream) -> TokenStream {
    let (private, name) = (path.private(), &function.sig.ident);
    let title = name.unraw().to_string();
    let condition = carried::from(&function.attrs).condition;
    quote! {
        #item
        #(#condition)*
        #[allow(deprecated)]
        const _: () = {
            #[#private::linkme::distributed_slice(#private::PRELOADS)]
            #[linkme(crate = #private::linkme)]
            static __OFFSPRING_PRELOAD: #private::Preload = #private::Preload::new(
                ::core::concat!(::core::module_path!(), "::", #title),
                #name,
            );
        };
    }
}
