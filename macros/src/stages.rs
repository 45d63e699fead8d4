//! From an attribute and its item to tokens: parse, check, and only then expand.

use proc_macro2::TokenStream;

use crate::ast::{self, Item};
use crate::attr;
use crate::check::{self, function::Kind};
use crate::errors::Errors;
use crate::expand;

/// `#[process]` and `#[daemon]`.
pub(crate) fn process(kind: Kind, arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = ast::parse(tokens.clone());
    let options = match &item {
        Ok(Item::Data(_)) if kind == Kind::Process => {
            attr::parse_crate(arguments, "`#[process]` on a type", &mut errors)
        }
        _ => attr::parse(arguments, &mut errors),
    };
    match item {
        Ok(Item::Function(function)) => {
            let checked = check::function::check(&function, kind, &options, &mut errors);
            if errors.is_empty() {
                return expand::process::expand(&checked, &options.settings, &tokens);
            }
            errors.beside(expand::stub::of_function(&function, &options.path))
        }
        Ok(Item::Impl(block)) => {
            let checked = check::class::check(&block, kind, &options, &mut errors);
            match checked {
                Some(class) if errors.is_empty() => {
                    expand::class::expand(&class, &options.settings, &tokens)
                }
                _ => errors.beside(expand::stub::of_block(&block, &options.path)),
            }
        }
        Ok(Item::Data(data)) if kind == Kind::Process => {
            message_of(&data, &options, errors, tokens)
        }
        Ok(Item::Data(data)) => {
            errors.at(
                &data.ident,
                "`#[daemon]` belongs on a function or on an `impl` with `fn run(self)`; write \
                 `#[message]` on the type",
            );
            errors.beside(tokens)
        }
        Ok(other) => {
            let (what, place) = other.described();
            let sentence = format!(
                "{what} cannot be a process; put `{}` on a function, or on an `impl` with \
                 `fn run(self)`",
                kind.attribute(),
            );
            errors.at(place, sentence);
            errors.beside(tokens)
        }
        Err(error) => unparsed(error, errors, tokens),
    }
}

/// `#[message]`.
pub(crate) fn message(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = attr::parse_crate(arguments, "`#[message]`", &mut errors);
    match ast::parse(tokens.clone()) {
        Ok(Item::Data(data)) => message_of(&data, &options, errors, tokens),
        Ok(other) => {
            let (what, place) = other.described();
            errors.at(place, format!("{what} is no message; put `#[message]` on a struct or enum"));
            errors.beside(tokens)
        }
        Err(error) => unparsed(error, errors, tokens),
    }
}

/// `#[preload]`.
pub(crate) fn preload(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = attr::parse_crate(arguments, "`#[preload]`", &mut errors);
    match ast::parse(tokens.clone()) {
        Ok(Item::Function(function)) => {
            check::preload::check(&function, &mut errors);
            if errors.is_empty() {
                return expand::preload::expand(&function, &options.path, &tokens);
            }
            errors.beside(tokens)
        }
        Ok(other) => {
            let (what, place) = other.described();
            errors.at(place, format!("{what} cannot be preloaded; put `#[preload]` on a function"));
            errors.beside(tokens)
        }
        Err(error) => unparsed(error, errors, tokens),
    }
}

/// `#[shared]`.
pub(crate) fn shared(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = attr::parse_crate(arguments, "`#[shared]`", &mut errors);
    match ast::parse(tokens.clone()) {
        Ok(Item::Data(data)) => {
            check::shared::check(&data, &mut errors);
            if errors.is_empty() {
                return expand::shared::expand(&data, &options.path, &tokens);
            }
            errors.beside(expand::shared::fallback(&data, &options.path, &tokens))
        }
        Ok(Item::Impl(block)) => {
            check::methods::check(&block, &mut errors);
            if errors.is_empty() {
                return expand::methods::expand(&block, &options.path, &tokens);
            }
            errors.beside(tokens)
        }
        Ok(Item::Static(item)) => {
            check::shared::check_static(&item, &mut errors);
            if errors.is_empty() {
                return expand::shared::expand_static(&item, &options.path);
            }
            errors.beside(tokens)
        }
        Ok(other) => {
            let (what, place) = other.described();
            let sentence = format!(
                "{what} cannot be shared; put `#[shared]` on a struct, an enum, a static, or an \
                 `impl` of methods"
            );
            errors.at(place, sentence);
            errors.beside(tokens)
        }
        Err(error) => unparsed(error, errors, tokens),
    }
}

fn message_of(
    data: &syn::DeriveInput,
    options: &attr::Options,
    mut errors: Errors,
    tokens: TokenStream,
) -> TokenStream {
    let refused_options = errors.count();
    check::message::check(data, &mut errors);
    // A refused option says nothing against the type, which stays a message.
    if errors.count() == refused_options {
        return errors.beside(expand::message::expand(data, &options.path, &tokens));
    }
    errors.beside(expand::stub::of_message(data, &options.path))
}

fn unparsed(error: syn::Error, mut errors: Errors, tokens: TokenStream) -> TokenStream {
    errors.add(error);
    errors.beside(tokens)
}
