//! Where the expansion finds the `offspring` crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// `::offspring`, or what `crate = some::path` says.
#[derive(Clone)]
pub(crate) struct Crate {
    root: TokenStream,
}

impl Default for Crate {
    fn default() -> Self {
        Self { root: quote!(::offspring) }
    }
}

impl From<syn::Path> for Crate {
    fn from(path: syn::Path) -> Self {
        Self { root: path.into_token_stream() }
    }
}

impl Crate {
    /// The room of things that only macros use.
    pub(crate) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }

    /// The path of our `serde`, in the form that serde's own attribute takes.
    pub(crate) fn serde(&self) -> String {
        let private = self.private();
        quote!(#private::serde).to_string().replace(' ', "")
    }

    /// Whether the path holds a `$crate`, which means nothing inside a string.
    pub(crate) fn is_hygienic(&self) -> bool {
        self.root.to_string().contains('$')
    }
}

impl ToTokens for Crate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.root.to_tokens(tokens);
    }
}
