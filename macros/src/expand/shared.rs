//! Types and variables in shared memory.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Fields, Generics, Index, ItemStatic, parse_quote};

use super::process::local;
use crate::check::carried;
use crate::path::Crate;

/// The type as it was, with a fixed order of its fields, and the proof that it may be shared.
pub(crate) fn expand(data: &DeriveInput, path: &Crate, item: &TokenStream) -> TokenStream {
    let name = &data.ident;
    let generics = shareable_parameters(&data.generics, path);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let condition = carried::from(&data.attrs).condition;
    let (layout, locks) = (layout(data, path), locks(data, path));
    let representation = needs_representation(data).then(|| quote!(#[repr(C)]));
    // What is generic is looked at where it is used.
    let looked_at = data.generics.params.is_empty().then(|| {
        let private = path.private();
        quote_spanned! {name.span()=>
            #(#condition)*
            const _: u64 = <#name as #path::Shareable>::LAYOUT;
            // Collections keep values of such types in place.
            #(#condition)*
            #[allow(deprecated)]
            const _: () = {
                #[#private::linkme::distributed_slice(#private::SHAREABLE)]
                #[linkme(crate = #private::linkme)]
                static IDENTITY: fn() -> ::core::any::TypeId = ::core::any::TypeId::of::<#name>;
            };
        }
    });
    // Nobody else's type is like this one; a generic one shows which of its parameters is amiss.
    let quiet = data.generics.params.is_empty().then(|| quote!(#[diagnostic::do_not_recommend]));
    quote! {
        #representation
        #item
        #(#condition)*
        #[automatically_derived]
        #[allow(deprecated)]
        #quiet
        unsafe impl #parameters #path::Shareable for #name #arguments #bounds {
            const LAYOUT: u64 = { #layout };
            const LOCKS: bool = { #locks };
        }
        #looked_at
    }
}

/// `T: Shareable` for every type parameter.
fn shareable_parameters(generics: &Generics, path: &Crate) -> Generics {
    let mut generics = generics.clone();
    let bound: syn::TypeParamBound = parse_quote!(#path::Shareable);
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(bound.clone());
    }
    generics
}

/// An enum's layout follows its own rules; a struct has C's unless the user chose one.
fn needs_representation(data: &DeriveInput) -> bool {
    let chosen = data.attrs.iter().any(|attribute| attribute.path().is_ident("repr"));
    matches!(data.data, Data::Struct(_)) && !chosen
}

/// Computes what tells this type apart from others, and looks at every field on the way.
fn layout(data: &DeriveInput, path: &Crate) -> TokenStream {
    let (name, private, hash) = (&data.ident, path.private(), local("hash"));
    let title = name.unraw().to_string();
    let place = format!("::{title}");
    let destructor = format!(
        "`{title}` cannot be shared, because its destructor would run in one process for all of \
         them; take `Drop` away, and clean up in a method"
    );
    let refuse_drop = quote_spanned! {name.span()=>
        ::core::assert!(!::core::mem::needs_drop::<Self>(), #destructor)
    };
    let fields = match &data.data {
        Data::Struct(data) => layout_of_fields(&data.fields, true, path),
        Data::Enum(data) => layout_of_variants(data, path),
        Data::Union(_) => TokenStream::new(),
    };
    quote! {
        #refuse_drop;
        let #hash = #private::layout::Hasher::start(
            ::core::concat!(::core::module_path!(), #place)
        ).of::<Self>();
        #fields
        #hash.finish()
    }
}

/// Names, numbers and fields. The numbers as the compiler sees them if that is possible, else as they are written.
fn layout_of_variants(data: &DataEnum, path: &Crate) -> TokenStream {
    let hash = local("hash");
    let is_plain = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
    let each = data.variants.iter().map(|variant| {
        let (name, title) = (&variant.ident, variant.ident.to_string());
        let condition = carried::from(&variant.attrs).condition;
        let fields = layout_of_fields(&variant.fields, false, path);
        let number = match &variant.discriminant {
            _ if is_plain => quote!(.word(Self::#name as u64)),
            Some((_, expression)) => {
                let written = expression.to_token_stream().to_string();
                quote!(.text(#written))
            }
            None => TokenStream::new(),
        };
        quote! {
            #(#condition)* let #hash = { let #hash = #hash.text(#title) #number; #fields #hash };
        }
    });
    each.collect()
}

fn layout_of_fields(fields: &Fields, with_offsets: bool, path: &Crate) -> TokenStream {
    let hash = local("hash");
    let each = fields.iter().enumerate().map(|(at, field)| {
        let ty = &field.ty;
        let member = match &field.ident {
            Some(name) => name.to_token_stream(),
            None => Index { index: u32::try_from(at).unwrap_or(0), span: Span::call_site() }
                .to_token_stream(),
        };
        let title = member.to_string();
        let condition = carried::from(&field.attrs).condition;
        let offset =
            with_offsets.then(|| quote!(.word(::core::mem::offset_of!(Self, #member) as u64)));
        let layout = quote_spanned!(ty.span()=> <#ty as #path::Shareable>::LAYOUT);
        quote!(#(#condition)* let #hash = #hash.text(#title) #offset .word(#layout);)
    });
    each.collect()
}

/// Asks every field whether it is, or contains, a lock.
fn locks(data: &DeriveInput, path: &Crate) -> TokenStream {
    let locks = local("locks");
    let of_fields = |fields: &Fields, condition: &[TokenStream]| -> TokenStream {
        let each = fields.iter().map(|field| {
            let ty = &field.ty;
            let own = carried::from(&field.attrs).condition;
            let field = quote_spanned!(ty.span()=> <#ty as #path::Shareable>::LOCKS);
            quote!(#(#condition)* #(#own)* let #locks = #locks || #field;)
        });
        each.collect()
    };
    let fields: TokenStream = match &data.data {
        Data::Struct(data) => of_fields(&data.fields, &[]),
        Data::Enum(data) => {
            let variants = data.variants.iter();
            variants.map(|it| of_fields(&it.fields, &carried::from(&it.attrs).condition)).collect()
        }
        Data::Union(_) => TokenStream::new(),
    };
    quote!(let #locks = false; #fields #locks)
}

/// One variable for all processes: a place in the family's segment, found at first use.
pub(crate) fn expand_static(item: &ItemStatic, path: &Crate) -> TokenStream {
    let ItemStatic { attrs, vis, ident, ty, expr, .. } = item;
    let private = path.private();
    let title = format!("::{}", ident.unraw());
    let value = quote_spanned!(ty.span()=> type Value = #ty;);
    let variable = quote_spanned! {ty.span()=>
        #path::SharedStatic::new::<__OffspringInit>(&__OFFSPRING_SLOT)
    };
    quote! {
        #(#attrs)*
        #vis static #ident: #path::SharedStatic<#ty> = {
            struct __OffspringInit;
            #[allow(clippy::declare_interior_mutable_const)]
            impl #private::StaticInit for __OffspringInit {
                #value
                const NAME: &'static str = ::core::concat!(::core::module_path!(), #title);
                const VALUE: #ty = #expr;
            }
            #[#private::linkme::distributed_slice(#private::STATICS)]
            #[linkme(crate = #private::linkme)]
            static __OFFSPRING_SLOT: #private::StaticSlot =
                #private::StaticSlot::of::<__OffspringInit>();
            #variable
        };
    }
}

/// What stands in for a refused type, so that its users are not reported as well.
pub(crate) fn fallback(data: &DeriveInput, path: &Crate, item: &TokenStream) -> TokenStream {
    if matches!(data.data, Data::Union(_)) || data.generics.lifetimes().next().is_some() {
        return item.clone();
    }
    let name = &data.ident;
    let generics = shareable_parameters(&data.generics, path);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    quote! {
        #item
        unsafe impl #parameters ::core::marker::Send for #name #arguments #bounds {}
        unsafe impl #parameters ::core::marker::Sync for #name #arguments #bounds {}
        unsafe impl #parameters #path::Shareable for #name #arguments #bounds {
            const LAYOUT: u64 = 0;
        }
    }
}
