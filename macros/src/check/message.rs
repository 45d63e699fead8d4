//! Types that are made serialisable: what of them could not be read back in another process.

use syn::{Attribute, Data, DeriveInput, Fields, Meta, Token, punctuated::Punctuated};

use super::carried;
use super::types::{self, Subject};
use crate::errors::Errors;

/// Refuses what serde would refuse at length, or accept and then not give back.
pub(crate) fn check(data: &DeriveInput, errors: &mut Errors) {
    for parameter in data.generics.lifetimes() {
        errors.at(
            parameter,
            format!(
                "a message owns what it holds: leave out `{}`, and hold `String` for `&str` or \
                 `Vec<T>` for `&[T]`",
                parameter.lifetime,
            ),
        );
    }
    for attribute in &data.attrs {
        refuse_derive(attribute, errors);
    }
    match &data.data {
        Data::Struct(data) => check_fields(&data.fields, errors),
        Data::Enum(data) => {
            for variant in &data.variants {
                check_fields(&variant.fields, errors);
            }
        }
        Data::Union(data) => errors.at(
            data.union_token,
            "a union cannot be a message, because nobody knows which field is valid; write an \
             `enum`",
        ),
    }
}

fn check_fields(fields: &Fields, errors: &mut Errors) {
    for field in fields {
        // What serde skips or converts does not travel as it is; what is only there under a
        // condition is left to the compiler, which knows the condition.
        if !carried::is_special(&field.attrs) {
            types::refuse_unsendable(&field.ty, Subject::Field, errors);
        }
    }
}

/// Two derives of one trait are an error that points nowhere useful.
fn refuse_derive(attribute: &Attribute, errors: &mut Errors) {
    let Meta::List(list) = &attribute.meta else { return };
    if !list.path.is_ident("derive") {
        return;
    }
    let derived = list.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
    for path in derived.iter().flatten() {
        let Some(name) = path.segments.last().map(|segment| &segment.ident) else { continue };
        if name == "Serialize" || name == "Deserialize" {
            errors.at(path, format!("`#[message]` derives `{name}` by itself; leave it out here"));
        }
    }
}
