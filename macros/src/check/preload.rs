//! Functions that the fork server runs once, before there is anybody to give them anything.

use syn::{FnArg, ReturnType, Type};

use super::types::ungroup;
use crate::ast::Function;
use crate::errors::Errors;

/// Refuses what the server could not call, or would have nobody to answer to.
pub(crate) fn check(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(token) = &sig.asyncness {
        errors.at(token, "a preload is an ordinary function: leave out `async`");
    }
    if let Some(token) = &sig.unsafety {
        errors.at(token, "a preload cannot be `unsafe`; put an `unsafe` block inside");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "a preload is called by Rust: leave out `extern`");
    }
    if !sig.generics.params.is_empty() {
        errors.at(
            &sig.generics,
            "a preload cannot be generic, because nobody chooses its types; call the generic \
             function from a plain one",
        );
    }
    match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            errors
                .at(receiver, "`#[preload]` belongs on a free function; call the method from one");
        }
        Some(FnArg::Typed(_)) => errors.at(
            &sig.inputs,
            "a preload takes no arguments, because nobody is there to give them; read a static or \
             a file inside it",
        ),
        None => {}
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        let unit = matches!(ungroup(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
        if !unit {
            errors.at(
                ty,
                "a preload returns nothing; leave its result in a static, such as a `OnceLock`, \
                 where the children find it",
            );
        }
    }
    if !function.has_body() {
        errors.at(sig.fn_token, "`#[preload]` needs a function with a body, outside of traits");
    }
}
