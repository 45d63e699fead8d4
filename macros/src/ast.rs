//! What the user annotated: as little of it parsed as the checks need, bodies of functions not at all.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature, Visibility};

/// An annotated item, told apart by what our attributes can make of it.
pub(crate) enum Item {
    Function(Box<Function>),
    Impl(Box<syn::ItemImpl>),
    Data(Box<syn::DeriveInput>),
    Static(Box<syn::ItemStatic>),
    /// Anything else, with the words that a user would call it by.
    Other(&'static str, TokenTree),
}

impl Item {
    /// What a user would call it, and the token that says so.
    pub(crate) fn described(&self) -> (&'static str, TokenStream) {
        match self {
            Self::Function(function) => ("a function", function.sig.fn_token.to_token_stream()),
            Self::Impl(block) => ("an `impl`", block.impl_token.to_token_stream()),
            Self::Data(data) => ("a type", data.ident.to_token_stream()),
            Self::Static(item) => ("a static", item.static_token.to_token_stream()),
            Self::Other(what, token) => (what, token.to_token_stream()),
        }
    }
}

/// A function up to its body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// `{ … }`, or `;` in a trait or an `extern` block.
    pub(crate) body: TokenTree,
}

impl Function {
    /// Whether there is code to run.
    pub(crate) fn has_body(&self) -> bool {
        matches!(self.body, TokenTree::Group(_))
    }

    /// Whether an attribute is one of those that cannot stand beside each other.
    pub(crate) fn is_ours(attribute: &Attribute) -> Option<String> {
        let name = attribute.path().segments.last()?.ident.to_string();
        ["process", "daemon", "preload"].contains(&name.as_str()).then_some(name)
    }

    /// The function without further attributes of ours; nothing, if rustc refuses it anyway.
    pub(crate) fn alone(&self) -> TokenStream {
        let Self { attrs, vis, sig, body } = self;
        if sig.variadic.is_some() {
            return TokenStream::new();
        }
        let attrs = attrs.iter().filter(|attribute| Self::is_ours(attribute).is_none());
        quote!(#(#attrs)* #vis #sig #body)
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Sorts out which kind of item was annotated.
pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Item> {
    match Parser::parse2(keyword, tokens.clone())? {
        Kind::Function => syn::parse2(tokens).map(|item| Item::Function(Box::new(item))),
        Kind::Impl => syn::parse2(tokens).map(|item| Item::Impl(Box::new(item))),
        Kind::Data => syn::parse2(tokens).map(|item| Item::Data(Box::new(item))),
        Kind::Static => syn::parse2(tokens).map(|item| Item::Static(Box::new(item))),
        Kind::Other(what, token) => Ok(Item::Other(what, token)),
    }
}

enum Kind {
    Function,
    Impl,
    Data,
    Static,
    Other(&'static str, TokenTree),
}

/// Finds the word that says what an item is, and swallows the rest.
fn keyword(input: ParseStream<'_>) -> syn::Result<Kind> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let first: TokenTree = input.fork().parse()?;
    let mut found = None;
    while found.is_none() && !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let TokenTree::Ident(word) = &token else { continue };
        found = match word.to_string().as_str() {
            "fn" => Some(Kind::Function),
            "impl" => Some(Kind::Impl),
            "struct" | "enum" | "union" => Some(Kind::Data),
            "static" => Some(Kind::Static),
            "trait" => Some(Kind::Other("a trait", token)),
            "mod" => Some(Kind::Other("a module", token)),
            "const" if !begins_function(input) => Some(Kind::Other("a constant", token)),
            "type" => Some(Kind::Other("a type alias", token)),
            "use" => Some(Kind::Other("an import", token)),
            "macro_rules" => Some(Kind::Other("a macro", token)),
            _ => None,
        };
    }
    input.parse::<TokenStream>()?;
    Ok(found.unwrap_or(Kind::Other("this", first)))
}

/// Whether what follows `const` is a function rather than the name of a constant.
fn begins_function(input: ParseStream<'_>) -> bool {
    use syn::Token;
    input.peek(Token![fn])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
        || input.peek(Token![extern])
}
