//! Blocks whose `run` becomes a process.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{
    FnArg, Generics, ImplItem, ImplItemFn, ItemImpl, Receiver, Type, Visibility, parse_quote,
};

use super::carried::{self, Carried};
use super::function::{Kind, Output, check_settings, output};
use super::types::ungroup;
use crate::attr::Options;
use crate::errors::Errors;
use crate::path::Crate;

/// A block fit to give its type `task` and `spawn`.
pub(crate) struct Class {
    pub(crate) path: Crate,
    pub(crate) kind: Kind,
    pub(crate) carried: Carried,
    pub(crate) generics: Generics,
    pub(crate) self_ty: Type,
    /// What the process is called, unless an option says otherwise.
    pub(crate) title: String,
    /// Of `run`, which `task` and `spawn` take over.
    pub(crate) vis: Visibility,
    pub(crate) receiver: Taken,
    pub(crate) output: Output,
    pub(crate) run: Span,
}

/// How `run` takes its `self`.
pub(crate) enum Taken {
    Whole,
    Lent,
    LentMutably,
}

/// Applies every rule to a block; `None` when there is no `run` to speak of.
pub(crate) fn check(
    block: &ItemImpl,
    kind: Kind,
    options: &Options,
    errors: &mut Errors,
) -> Option<Class> {
    check_settings(kind, &options.settings, errors);
    check_block(block, kind, errors);
    let title = title(&block.self_ty);
    let Some(run) = run(block) else {
        errors.at(
            &block.self_ty,
            format!("`{title}` needs a `fn run(self)` in this block: it is what the process does"),
        );
        return None;
    };
    check_run(run, errors);
    let receiver = match run.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => taken(receiver, errors),
        _ => {
            errors.at(
                &run.sig.ident,
                "`run` needs `self`, which carries what the process works on: write `fn run(self)`",
            );
            return None;
        }
    };
    Some(Class {
        path: options.path.clone(),
        kind,
        carried: carried::from(&block.attrs),
        generics: outliving(&block.generics),
        self_ty: (*block.self_ty).clone(),
        title,
        vis: run.vis.clone(),
        receiver,
        output: output(&run.sig.output, run.sig.ident.span(), errors),
        run: run.sig.ident.span(),
    })
}

fn check_block(block: &ItemImpl, kind: Kind, errors: &mut Errors) {
    if let Some((_, path, _)) = &block.trait_ {
        errors.at(
            path,
            format!(
                "`{}` belongs on the type's own block: write `impl {} {{ fn run(self) … }}`",
                kind.attribute(),
                title(&block.self_ty),
            ),
        );
    }
    for parameter in block.generics.lifetimes() {
        errors.at(
            parameter,
            format!(
                "`{}` does not reach the child: give the type fields that own their data",
                parameter.lifetime,
            ),
        );
    }
    for item in &block.items {
        let ImplItem::Fn(method) = item else { continue };
        for attribute in method.attrs.iter().filter(|it| is_ours(it)) {
            errors.at(
                attribute,
                format!("`{}` on the block is enough; leave it out here", kind.attribute()),
            );
        }
        let name = &method.sig.ident;
        if block.trait_.is_none() && (name == "task" || name == "spawn") {
            errors.at(
                name,
                format!("`{name}` is what `{}` adds; call this one otherwise", kind.attribute()),
            );
        }
    }
}

/// Whether a method carries an attribute that the block has already.
pub(crate) fn is_ours(attribute: &syn::Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "process" || segment.ident == "daemon")
}

/// The method that becomes the process.
pub(crate) fn run(block: &ItemImpl) -> Option<&ImplItemFn> {
    block.items.iter().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "run" => Some(method),
        _ => None,
    })
}

fn check_run(run: &ImplItemFn, errors: &mut Errors) {
    let sig = &run.sig;
    if let Some(token) = &sig.asyncness {
        errors.at(
            token,
            "`run` is an ordinary method: leave out `async`, and start a runtime inside it where \
             you need one",
        );
    }
    if let Some(token) = &sig.unsafety {
        errors.at(token, "`run` cannot be `unsafe`; put an `unsafe` block inside");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "`run` is called by Rust: leave out `extern`");
    }
    if !sig.generics.params.is_empty() {
        errors.at(
            &sig.generics,
            "`run` cannot be generic, because nobody chooses its types; put the parameters on the \
             type",
        );
    } else if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, "bounds of `run` belong on the whole `impl`");
    }
    for input in &sig.inputs {
        if let FnArg::Typed(argument) = input {
            errors.at(argument, "`run` takes `self` alone; make this a field of the type");
        }
    }
}

fn taken(receiver: &Receiver, errors: &mut Errors) -> Taken {
    if receiver.colon_token.is_some() {
        errors.at(receiver, "`run` takes a plain `self`, `&self` or `&mut self`");
    }
    match (&receiver.reference, &receiver.mutability) {
        (None, _) => Taken::Whole,
        (Some(_), None) => Taken::Lent,
        (Some(_), Some(_)) => Taken::LentMutably,
    }
}

/// The generics of types that outlive anything that the caller has, as what travels must.
fn outliving(generics: &Generics) -> Generics {
    let mut outliving = generics.clone();
    for parameter in outliving.type_params_mut() {
        parameter.bounds.push(parse_quote!('static));
    }
    outliving
}

/// The last word of a type's path.
fn title(ty: &Type) -> String {
    match ungroup(ty) {
        Type::Path(path) => path.path.segments.last().map(|it| it.ident.unraw().to_string()),
        _ => None,
    }
    .unwrap_or_else(|| "this type".to_owned())
}
