//! What stands in for a refused item, so that one mistake does not cause twenty others where it is used.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{
    Data, DeriveInput, FnArg, Generics, ImplItem, ItemImpl, Lifetime, ReturnType, TypeImplTrait,
    TypeReference, parse_quote,
};

use super::process::{allow, result_type};
use crate::ast::Function;
use crate::check::carried;
use crate::check::class::{is_ours, run};
use crate::check::function::{Parameter, of_a_type, output, parameter};
use crate::check::generics::without_lifetimes;
use crate::check::message::without_serde;
use crate::errors::Errors;
use crate::path::Crate;

/// What stands in for a refused function, so that its callers are not reported as well.
pub(crate) fn of_function(function: &Function, path: &Crate) -> TokenStream {
    let sig = &function.sig;
    // Inside an `impl` there is no room for a companion; a bodiless function is inside a trait.
    if of_a_type(sig).is_some() || !function.has_body() {
        return function.alone();
    }
    // What rustc refuses on its own account, or another attribute of ours, would be reported twice.
    let item = function.alone();
    let (name, vis, allow) = (&sig.ident, &function.vis, allow());
    let mut refused = Errors::default();
    let mut generics = without_lifetimes(&sig.generics, &mut refused);
    let nameable = refused.is_empty();
    if !nameable {
        generics = Generics::default();
    }
    let (parameters, _, bounds) = generics.split_for_impl();
    let typed = sig.inputs.iter().enumerate();
    let arguments: Vec<_> =
        typed.map(|(index, input)| stub_argument(index, input, nameable)).collect();
    let result = if nameable { stub_result(&sig.output) } else { quote!(()) };
    quote! {
        #item
        #[doc(hidden)]
        #allow
        #vis enum #name {}
        #[doc(hidden)]
        #allow
        impl #name {
            #vis fn task #parameters (#(_: #arguments),*) -> #path::Task<#result> #bounds {
                ::core::unreachable!()
            }
            #vis fn spawn #parameters (
                #(_: #arguments),*
            ) -> #path::Result<#path::Process<#result>> #bounds {
                ::core::unreachable!()
            }
        }
    }
}

/// What stands in for a refused block, so that its callers are not reported as well.
pub(crate) fn of_block(block: &ItemImpl, path: &Crate) -> TokenStream {
    let mut plain = block.clone();
    for item in &mut plain.items {
        if let ImplItem::Fn(method) = item {
            method.attrs.retain(|attribute| !is_ours(attribute));
        }
    }
    let taken = plain.items.iter().any(|item| match item {
        ImplItem::Fn(method) => method.sig.ident == "task" || method.sig.ident == "spawn",
        _ => false,
    });
    if block.trait_.is_some() || taken {
        return plain.into_token_stream();
    }
    let (parameters, _, bounds) = block.generics.split_for_impl();
    let (self_ty, allow) = (&block.self_ty, allow());
    let result = run(block).map_or_else(|| quote!(()), |run| stub_result(&run.sig.output));
    quote! {
        #plain
        #[doc(hidden)]
        #allow
        impl #parameters #self_ty #bounds {
            pub fn task(self) -> #path::Task<#result> {
                ::core::unreachable!()
            }
            pub fn spawn(self) -> #path::Result<#path::Process<#result>> {
                ::core::unreachable!()
            }
        }
    }
}

/// The type without serde's attributes, as a message that nobody can send.
pub(crate) fn of_message(data: &DeriveInput, path: &Crate) -> TokenStream {
    let plain = without_serde(data);
    let data_is_union = matches!(data.data, Data::Union(_));
    if data_is_union || data.generics.lifetimes().next().is_some() {
        return plain.into_token_stream();
    }
    let (name, private) = (&data.ident, path.private());
    let condition = carried::from(&data.attrs).condition;
    let (parameters, arguments, bounds) = data.generics.split_for_impl();
    let mut lent = data.generics.clone();
    lent.params.insert(0, parse_quote!('de));
    let (lent, ..) = lent.split_for_impl();
    quote! {
        #plain
        #(#condition)*
        impl #parameters #private::serde::Serialize for #name #arguments #bounds {
            fn serialize<S: #private::serde::Serializer>(
                &self,
                _: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::core::unreachable!()
            }
        }
        #(#condition)*
        impl #lent #private::serde::Deserialize<'de> for #name #arguments #bounds {
            fn deserialize<D: #private::serde::Deserializer<'de>>(
                _: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::core::unreachable!()
            }
        }
    }
}

/// What a refused function's companion takes: what the function does, or anything if that was refused.
fn stub_argument(index: usize, input: &FnArg, nameable: bool) -> TokenStream {
    let mut errors = Errors::default();
    match input {
        FnArg::Typed(argument) if nameable => {
            let Parameter { lent, ty, .. } = parameter(index, argument, &mut errors);
            match errors.is_empty() {
                true if lent => quote!(&#ty),
                true => quote!(#ty),
                false => quote!(impl ::core::marker::Sized),
            }
        }
        _ => quote!(impl ::core::marker::Sized),
    }
}

/// What a refused function's companion gives: what the function does, so that its callers are not
/// reported as well, unless that was refused for a part that another function cannot name.
fn stub_result(returned: &ReturnType) -> TokenStream {
    struct Unnameable(bool);
    impl<'ast> Visit<'ast> for Unnameable {
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            self.0 |= reference.lifetime.is_none();
            visit::visit_type_reference(self, reference);
        }
        fn visit_type_impl_trait(&mut self, _some: &'ast TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut unnameable = Unnameable(false);
    unnameable.visit_return_type(returned);
    if unnameable.0 {
        return quote!(());
    }
    result_type(&output(returned, Span::call_site(), &mut Errors::default()))
}
