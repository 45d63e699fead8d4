//! Which of the user's attributes matter to the items that we put beside the user's own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Attributes that generated items repeat.
#[derive(Default)]
pub(crate) struct Carried {
    /// `cfg`, lints and `doc(hidden)`: for whole items.
    pub(crate) item: Vec<TokenStream>,
    /// `deprecated`: for what users call.
    pub(crate) method: Vec<TokenStream>,
    /// Only the `cfg` among them, for items that nobody sees.
    pub(crate) condition: Vec<TokenStream>,
}

/// Picks them out of an item's attributes.
pub(crate) fn from(attributes: &[Attribute]) -> Carried {
    let mut carried = Carried::default();
    for attribute in attributes {
        carry(&attribute.meta, None, &mut carried);
    }
    carried
}

/// Whether something is only there under a condition.
pub(crate) fn is_conditional(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// Whether a field is only there under a condition, or travels otherwise than as it is.
pub(crate) fn is_special(attributes: &[Attribute]) -> bool {
    is_conditional(attributes) || attributes.iter().any(|it| it.path().is_ident("serde"))
}

fn carry(meta: &Meta, condition: Option<&TokenStream>, carried: &mut Carried) {
    let Some(name) = meta.path().get_ident() else { return };
    let wrapped = |inner: TokenStream| match condition {
        Some(condition) => quote!(#[cfg_attr(#condition, #inner)]),
        None => quote!(#[#inner]),
    };
    match name.to_string().as_str() {
        "cfg" => {
            let attribute = wrapped(meta.to_token_stream());
            carried.item.push(attribute.clone());
            carried.condition.push(attribute);
        }
        "allow" | "warn" | "deny" | "forbid" => carried.item.push(wrapped(meta.to_token_stream())),
        // An expectation is met once, by the user's own item; repeated, it would go unmet.
        "expect" => {
            if let Meta::List(list) = meta {
                let lints = &list.tokens;
                carried.item.push(wrapped(quote!(allow(#lints))));
            }
        }
        "doc" if is_hidden(meta) => carried.item.push(wrapped(meta.to_token_stream())),
        "deprecated" => carried.method.push(wrapped(meta.to_token_stream())),
        "cfg_attr" if condition.is_none() => carry_conditional(meta, carried),
        _ => {}
    }
}

/// `cfg_attr(condition, one, two)`: those of its attributes that we would repeat bare.
fn carry_conditional(meta: &Meta, carried: &mut Carried) {
    let Meta::List(list) = meta else { return };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let Ok(parts) = parts else { return };
    let mut parts = parts.iter();
    let Some(condition) = parts.next().map(ToTokens::to_token_stream) else { return };
    for part in parts {
        carry(part, Some(&condition), carried);
    }
}

fn is_hidden(meta: &Meta) -> bool {
    matches!(meta, Meta::List(list) if list.tokens.to_string() == "hidden")
}
