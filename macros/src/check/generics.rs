//! Generic parameters of functions that become processes: which cannot be, and what is left of the others.

use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericParam, Generics, Lifetime, Signature, TypeParam, TypeParamBound, WherePredicate,
    parse_quote,
};

use super::types;
use crate::errors::Errors;

/// Refuses parameters for things that cannot travel.
pub(crate) fn check(sig: &Signature, errors: &mut Errors) {
    check_bounds(&sig.generics, errors);
    check_parameters(sig, errors);
}

/// Closures have no form outside their own process.
fn check_bounds(generics: &Generics, errors: &mut Errors) {
    struct Closures<'a>(&'a mut Errors);
    impl<'ast> Visit<'ast> for Closures<'_> {
        fn visit_type_param_bound(&mut self, bound: &'ast TypeParamBound) {
            let TypeParamBound::Trait(bound) = bound else { return };
            let Some(last) = bound.path.segments.last() else { return };
            if ["Fn", "FnMut", "FnOnce"].iter().any(|name| last.ident == name) {
                self.0.at(
                    bound,
                    "a closure cannot be sent to another process; put its body into a \
                     `#[process]` function, and send the values that it captures",
                );
            }
        }
    }
    Closures(errors).visit_generics(generics);
}

/// Type parameters of arguments that are visibly no messages: the compiler's own words for it are long.
fn check_parameters(sig: &Signature, errors: &mut Errors) {
    const SAY_NOTHING: &[&str] = &[
        "Clone",
        "Copy",
        "Debug",
        "Default",
        "Display",
        "Eq",
        "Hash",
        "Ord",
        "PartialEq",
        "PartialOrd",
        "Send",
        "Sized",
        "Sync",
        "Unpin",
    ];
    for parameter in sig.generics.type_params() {
        let bounds = bounds_of(parameter, &sig.generics);
        let empty = bounds.iter().all(|bound| match bound {
            TypeParamBound::Trait(it) => {
                let last = it.path.segments.last().map(|segment| segment.ident.to_string());
                last.is_some_and(|name| SAY_NOTHING.contains(&name.as_str()))
            }
            _ => true,
        });
        let sent = sig.inputs.iter().any(|input| match input {
            FnArg::Typed(argument) => types::mentions(&argument.ty, &parameter.ident),
            FnArg::Receiver(_) => false,
        });
        if empty && sent {
            let name = &parameter.ident;
            errors.at(
                parameter,
                format!(
                    "`{name}` must be something that can be sent to another process; add the bound \
                     `{name}: offspring::Message`"
                ),
            );
        }
    }
}

/// What is asked of a type parameter, where it is declared and in the `where` clause.
fn bounds_of<'a>(parameter: &'a TypeParam, generics: &'a Generics) -> Vec<&'a TypeParamBound> {
    let clause = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let further = clause.filter_map(|predicate| match predicate {
        WherePredicate::Type(it) if types::mentions(&it.bounded_ty, &parameter.ident) => {
            Some(&it.bounds)
        }
        _ => None,
    });
    parameter.bounds.iter().chain(further.flatten()).collect()
}

/// The generics without lifetimes: in the child every borrow is of the child's own values, and what
/// travels there outlives anything that the caller has.
pub(crate) fn without_lifetimes(generics: &Generics, errors: &mut Errors) -> Generics {
    let lifetimes: Vec<_> = generics.lifetimes().map(|it| it.lifetime.clone()).collect();
    let mut kept = generics.clone();
    kept.params = kept
        .params
        .into_iter()
        .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
        .collect();
    let outlives = |bound: &TypeParamBound| match bound {
        TypeParamBound::Lifetime(lifetime) => lifetime.ident != "static",
        _ => false,
    };
    for parameter in kept.type_params_mut() {
        parameter.bounds =
            std::mem::take(&mut parameter.bounds).into_iter().filter(|it| !outlives(it)).collect();
        parameter.bounds.push(parse_quote!('static));
    }
    if let Some(clause) = &mut kept.where_clause {
        clause.predicates = std::mem::take(&mut clause.predicates)
            .into_iter()
            .filter(|it| !matches!(it, WherePredicate::Lifetime(_)))
            .map(|mut predicate| {
                if let WherePredicate::Type(of_type) = &mut predicate {
                    of_type.bounds = std::mem::take(&mut of_type.bounds)
                        .into_iter()
                        .filter(|it| !outlives(it))
                        .collect();
                }
                predicate
            })
            .collect();
    }
    Escaping { lifetimes: &lifetimes, errors }.visit_generics(&kept);
    kept
}

/// Lifetimes of the caller in bounds that the child must meet.
struct Escaping<'a> {
    lifetimes: &'a [Lifetime],
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Escaping<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if self.lifetimes.contains(lifetime) {
            self.errors.at(
                lifetime,
                format!(
                    "lifetime `{lifetime}` of the caller does not reach the child; write the bound \
                     as `for<{lifetime}> …`, or without it"
                ),
            );
        }
        visit::visit_lifetime(self, lifetime);
    }
}
