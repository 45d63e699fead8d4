//! Blocks whose methods become locked steps: which methods can be called through a lock.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{FnArg, ImplItem, ImplItemFn, ItemImpl, Lifetime, Receiver, ReturnType, TypeReference};

use crate::errors::Errors;

/// What `Mutex` has itself, and would be called instead.
const OF_THE_LOCK: &[&str] = &[
    "lock",
    "try_lock",
    "try_lock_for",
    "try_lock_until",
    "is_locked",
    "is_consistent",
    "holder",
    "holder_thread",
    "get_mut",
    "into_inner",
];

/// The methods of a block that are to be called through a lock.
pub(crate) fn methods(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) if method.sig.receiver().is_some() => Some(method),
        _ => None,
    })
}

/// Refuses what a locked step cannot be.
pub(crate) fn check(block: &ItemImpl, errors: &mut Errors) {
    if let Some((_, path, _)) = &block.trait_ {
        errors.at(
            path,
            "`#[shared]` belongs on the type's own methods; implement the trait in a block without \
             it",
        );
        return;
    }
    for parameter in block.generics.lifetimes() {
        errors.at(
            parameter,
            format!(
                "a shared type owns what it holds: leave out `{}` and the references that need it",
                parameter.lifetime,
            ),
        );
    }
    for method in methods(block) {
        check_method(method, errors);
    }
}

fn check_method(method: &ImplItemFn, errors: &mut Errors) {
    let sig = &method.sig;
    let name = &sig.ident;
    if OF_THE_LOCK.iter().any(|own| name == own) {
        errors.at(
            name,
            format!(
                "`Mutex` has a method `{name}` of its own, which hides this; call it otherwise"
            ),
        );
    }
    if let Some(token) = &sig.asyncness {
        errors.at(
            token,
            "a locked step is over before others go on: leave out `async`, or move this method to \
             a block without `#[shared]`",
        );
    }
    if let Some(token) = &sig.unsafety {
        errors.at(
            token,
            "a locked step cannot be `unsafe`; make it safe, or move this method to a block \
             without `#[shared]`",
        );
    }
    let Some(FnArg::Receiver(receiver)) = sig.inputs.first() else { return };
    if receiver.reference.is_none() {
        errors.at(
            receiver,
            "a shared value stays where it is: take `&self` or `&mut self`, or move this method to \
             a block without `#[shared]`",
        );
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        Borrows { of: receiver, errors }.visit_type(ty);
    }
}

/// References into the value, which end with the lock.
struct Borrows<'a> {
    of: &'a Receiver,
    errors: &'a mut Errors,
}

impl Borrows<'_> {
    /// Whether a lifetime, or none, means that of `self`.
    fn of_self(&self, lifetime: Option<&Lifetime>) -> bool {
        match lifetime {
            None => true,
            Some(lifetime) if lifetime.ident == "_" => true,
            Some(lifetime) => self.of.lifetime() == Some(lifetime),
        }
    }

    fn refuse(&mut self, tokens: impl ToTokens) {
        self.errors.at(
            tokens,
            "the lock is given back before this can be used: return an owned value, or move this \
             method to a block without `#[shared]`",
        );
    }
}

impl<'ast> Visit<'ast> for Borrows<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if self.of_self(reference.lifetime.as_ref()) {
            return self.refuse(reference);
        }
        visit::visit_type(self, &reference.elem);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if self.of_self(Some(lifetime)) {
            self.refuse(lifetime);
        }
    }
}
