//! Functions that become processes: what is refused, and what expansion needs to know of the rest.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{FnArg, Generics, Pat, PatType, ReturnType, Signature, Type, Visibility};

use super::carried::{self, Carried};
use super::generics;
use super::types::{self, Subject};
use crate::ast::Function;
use crate::attr::{Options, Setting};
use crate::errors::Errors;
use crate::path::Crate;

/// Which attribute was written, `#[process]` or `#[daemon]`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Process,
    Daemon,
}

impl Kind {
    /// The attribute as the user wrote it.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Process => "#[process]",
            Self::Daemon => "#[daemon]",
        }
    }
}

/// A function fit to run in a process of its own.
pub(crate) struct Process {
    pub(crate) path: Crate,
    pub(crate) kind: Kind,
    pub(crate) carried: Carried,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// Types and constants; lifetimes end at the border.
    pub(crate) generics: Generics,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Output,
}

/// One argument, on its way from the caller to the child.
pub(crate) struct Parameter {
    /// What the user calls it.
    pub(crate) title: String,
    /// What the generated functions call it.
    pub(crate) binding: Ident,
    /// Whether the caller lends it; `ty` is then what it lends.
    pub(crate) lent: bool,
    pub(crate) ty: Type,
}

/// What comes back.
pub(crate) enum Output {
    Unit(Span),
    Never(Span),
    Value(Box<Type>),
}

/// Applies every rule to `function`; the result is whole if `errors` stayed empty.
pub(crate) fn check(
    function: &Function,
    kind: Kind,
    options: &Options,
    errors: &mut Errors,
) -> Process {
    let sig = &function.sig;
    check_settings(kind, &options.settings, errors);
    check_qualifiers(function, kind, errors);
    check_name(&sig.ident, errors);
    generics::check(sig, errors);
    let mut parameters = Vec::new();
    for (index, input) in sig.inputs.iter().enumerate() {
        if let FnArg::Typed(argument) = input {
            parameters.push(parameter(index, argument, errors));
        }
    }
    Process {
        path: options.path.clone(),
        kind,
        carried: carried::from(&function.attrs),
        vis: function.vis.clone(),
        sig: sig.clone(),
        generics: generics::without_lifetimes(&sig.generics, errors),
        parameters,
        output: output(&sig.output, sig.ident.span(), errors),
    }
}

/// Options that only one of the two attributes takes.
pub(crate) fn check_settings(kind: Kind, settings: &[(Ident, Setting)], errors: &mut Errors) {
    let restarts = settings.iter().find_map(|(_, setting)| match setting {
        Setting::Restart(policy) => Some(*policy),
        _ => None,
    });
    for (key, setting) in settings {
        match (kind, setting) {
            (Kind::Daemon, Setting::Daemon(_)) => {
                errors.at(key, "`#[daemon]` says so already; leave the option `daemon` out");
            }
            (
                Kind::Process,
                Setting::Restart(_)
                | Setting::MaxRestarts(_)
                | Setting::WithinNanos(_)
                | Setting::BackoffNanos(..),
            ) => errors.at(
                key,
                format!("only a daemon is restarted: write `#[daemon({key} = …)]` instead"),
            ),
            (
                Kind::Daemon,
                Setting::MaxRestarts(_) | Setting::WithinNanos(_) | Setting::BackoffNanos(..),
            ) if restarts == Some("Never") => errors.at(
                key,
                format!("`{key}` has no effect with `restart = \"never\"`; leave one of them out"),
            ),
            _ => {}
        }
    }
}

fn check_qualifiers(function: &Function, kind: Kind, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(token) = &sig.asyncness {
        errors.at(
            token,
            "a process is an ordinary function: leave out `async`, and start a runtime inside it \
             where you need one",
        );
    }
    if let Some(token) = &sig.unsafety {
        errors.at(
            token,
            "a process cannot be `unsafe`, because nobody is there to keep its promise; make it \
             safe, with an `unsafe` block inside",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.at(
            abi,
            "a process is called by Rust: leave out `extern`, and call this function from another \
             one",
        );
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "a process takes a fixed list of arguments; use a `Vec<T>` instead");
    }
    if let Some(token) = of_a_type(sig) {
        errors.at(
            token,
            format!(
                "`{0}` belongs on a free function: move this one out of its `impl` and take a \
                 value instead of `self`, or name it `run` and put `{0}` on the whole `impl`",
                kind.attribute(),
            ),
        );
    }
    if !function.has_body() {
        errors.at(
            sig.fn_token,
            format!("`{}` needs a function with a body, outside of traits", kind.attribute()),
        );
    }
    for attribute in &function.attrs {
        if let Some(name) = Function::is_ours(attribute) {
            errors.at(
                attribute,
                format!("`{}` stands here already; leave `#[{name}]` out", kind.attribute()),
            );
        }
    }
}

/// What shows that a function is a method or an associated function: `self`, or `Self`.
pub(crate) fn of_a_type(sig: &Signature) -> Option<TokenStream> {
    struct Mention(Option<TokenStream>);
    impl<'ast> Visit<'ast> for Mention {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            if ident == "Self" {
                self.0.get_or_insert_with(|| ident.to_token_stream());
            }
        }
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        return Some(receiver.to_token_stream());
    }
    let mut mention = Mention(None);
    mention.visit_signature(sig);
    mention.0
}

/// The companion type takes the function's name, which must not hide a built-in type.
fn check_name(name: &Ident, errors: &mut Errors) {
    const BUILT_IN: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8",
        "u16", "u32", "u64", "u128", "usize",
    ];
    if BUILT_IN.iter().any(|built_in| name == built_in) {
        errors.at(
            name,
            format!(
                "a process called `{name}` would hide the type of that name; call it otherwise"
            ),
        );
    }
}

/// Sorts out how one argument travels.
pub(crate) fn parameter(index: usize, argument: &PatType, errors: &mut Errors) -> Parameter {
    let title = match &*argument.pat {
        Pat::Ident(pattern) => pattern.ident.to_string(),
        other => other.to_token_stream().to_string(),
    };
    let binding = match &*argument.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => format_ident!("argument_{}", index, span = Span::mixed_site()),
    };
    for attribute in &argument.attrs {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            errors.at(
                attribute,
                format!("argument `{title}` must always be there; put `cfg` on two functions"),
            );
        }
    }
    let whole = types::ungroup(&argument.ty);
    let lent = matches!(whole, Type::Reference(_));
    let subject = Subject::Argument { name: &title, lent };
    let ty = match whole {
        Type::Reference(reference) => {
            if let Some(token) = &reference.mutability {
                errors.at(
                    MutableReference(&reference.and_token, token),
                    format!(
                        "{subject} cannot be `&mut`, because the child would change a copy; return \
                         the new value, or take a `&Shared<Mutex<T>>`"
                    ),
                );
            }
            if let Some(lifetime) = reference.lifetime.as_ref().filter(|it| it.ident == "static") {
                errors.at(
                    lifetime,
                    format!(
                        "{subject} cannot be `&'static`, because the child gets a value of its \
                         own; leave the lifetime out"
                    ),
                );
            }
            &*reference.elem
        }
        other => other,
    };
    types::refuse_unsendable(ty, subject, errors);
    Parameter { title, binding, lent, ty: ty.clone() }
}

/// `&mut`, as one place in the source.
struct MutableReference<'a>(&'a syn::Token![&], &'a syn::Token![mut]);

impl ToTokens for MutableReference<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
        self.1.to_tokens(tokens);
    }
}

/// Sorts out what a function gives back.
pub(crate) fn output(output: &ReturnType, name: Span, errors: &mut Errors) -> Output {
    let ReturnType::Type(_, ty) = output else { return Output::Unit(name) };
    types::refuse_unsendable(ty, Subject::Result, errors);
    match types::ungroup(ty) {
        Type::Never(never) => Output::Never(never.span()),
        other => Output::Value(Box::new(other.clone())),
    }
}
