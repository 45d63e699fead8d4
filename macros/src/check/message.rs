//! Types that are made serialisable: what of them could not be read back in another process.

use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Meta, Path, Token, parse_quote};

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
    for path in derived(attribute).iter().filter(|path| serde_trait(path).is_some()) {
        let name = serde_trait(path).unwrap_or_default();
        errors.at(path, format!("`#[message]` derives `{name}` by itself; leave it out here"));
    }
}

/// The type without serde's derives, which fail where the user has no serde, and its attributes, which
/// fail where nothing is derived.
pub(crate) fn without_serde(data: &DeriveInput) -> DeriveInput {
    let mut plain = data.clone();
    for attribute in &mut plain.attrs {
        let derived = derived(attribute);
        if derived.iter().any(|path| serde_trait(path).is_some()) {
            let kept = derived.iter().filter(|path| serde_trait(path).is_none());
            *attribute = parse_quote!(#[derive(#(#kept),*)]);
        }
    }
    let theirs = |attribute: &Attribute| attribute.path().is_ident("serde");
    plain.attrs.retain(|attribute| !theirs(attribute));
    let fields = match &mut plain.data {
        Data::Struct(data) => vec![&mut data.fields],
        Data::Enum(data) => {
            let fields = data.variants.iter_mut().map(|variant| {
                variant.attrs.retain(|attribute| !theirs(attribute));
                &mut variant.fields
            });
            fields.collect()
        }
        Data::Union(_) => Vec::new(),
    };
    for field in fields.into_iter().flatten() {
        field.attrs.retain(|attribute| !theirs(attribute));
    }
    plain
}

/// What an attribute derives.
fn derived(attribute: &Attribute) -> Vec<Path> {
    let Meta::List(list) = &attribute.meta else { return Vec::new() };
    if !list.path.is_ident("derive") {
        return Vec::new();
    }
    let paths = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
    paths.into_iter().flatten().collect()
}

fn serde_trait(path: &Path) -> Option<String> {
    let name = path.segments.last()?.ident.to_string();
    ["Serialize", "Deserialize"].contains(&name.as_str()).then_some(name)
}
