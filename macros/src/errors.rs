//! Every mistake of one item at once, and the item itself beside them.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// What the user got wrong so far; stages add to it, and only an empty one lets expansion start.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Notes one sentence at the tokens that must change.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, sentence: impl std::fmt::Display) {
        self.found.push(syn::Error::new_spanned(tokens, sentence));
    }

    /// Notes an error that a parser found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// How many there are, so that a stage can tell whether it added any.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether the item may be expanded.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors as tokens that rustc reports, beside a fallback that keeps one mistake from
    /// causing twenty others.
    pub(crate) fn beside(self, fallback: TokenStream) -> TokenStream {
        let mut tokens = fallback;
        for error in self.found {
            tokens.extend(error.into_compile_error());
        }
        tokens
    }
}
