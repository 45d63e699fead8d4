//! Types in shared memory.

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::path::Crate;

pub(crate) fn expand(_data: &DeriveInput, _path: &Crate, item: &TokenStream) -> TokenStream {
    item.clone()
}

pub(crate) fn fallback(_data: &DeriveInput, _path: &Crate, item: &TokenStream) -> TokenStream {
    item.clone()
}
