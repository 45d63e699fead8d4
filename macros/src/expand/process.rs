//! A function, and beside it the companion type of the same name that starts it elsewhere.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, Generics};

use crate::attr::Setting;
use crate::check::function::{Output, Parameter, Process};
use crate::expand::daemon;
use crate::path::Crate;

/// The function as it was, and its companion.
pub(crate) fn expand(
    process: &Process,
    settings: &[(Ident, Setting)],
    item: &TokenStream,
) -> TokenStream {
    let name = &process.sig.ident;
    let Process { vis, carried, .. } = process;
    let (item_attributes, allow) = (&carried.item, allow());
    let summary = format!("Runs [`{name}`](fn@{name}) in a process of its own.");
    let (run, task, spawn) = (run(process), task(process, settings), spawn(process));
    // Inside an `impl` these are what rustc complains of, so they stand at the user's own word.
    let companion = quote_spanned!(name.span()=> enum #name {});
    let methods = quote_spanned!(name.span()=> impl #name);
    quote! {
        #item
        #[doc = #summary]
        #(#item_attributes)*
        #allow
        #vis #companion
        #(#item_attributes)*
        #allow
        #methods {
            #run
            #task
            #spawn
        }
    }
}

/// What generated code does that a strict crate may have forbidden itself.
pub(crate) fn allow() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            missing_copy_implementations,
            missing_debug_implementations,
            non_camel_case_types,
            single_use_lifetimes,
            unnameable_types,
            unreachable_code,
            unreachable_pub,
            clippy::all,
            clippy::nursery,
            clippy::pedantic
        )]
    }
}

/// The child's side: arguments out, the call, the result in.
fn run(process: &Process) -> TokenStream {
    let Process { path, sig, parameters, generics, .. } = process;
    let (private, name) = (path.private(), &sig.ident);
    let (parameter_list, _, bounds) = generics.split_for_impl();
    let arguments = turbofish(generics);
    let input = local("input");
    let values: Vec<_> = (0..parameters.len()).map(|at| local(&format!("value_{at}"))).collect();
    let call = quote!(#name #arguments (#(#values),*));
    let mut steps = reply(&process.output, path, &call);
    for (parameter, value) in parameters.iter().zip(&values).rev() {
        let (argument, title) = (argument(parameter, path), &parameter.title);
        let span = parameter.ty.span();
        steps = if parameter.lent {
            quote_spanned!(span=> #argument::lent(#input, #title, |#input, #value| { #steps }))
        } else {
            quote_spanned!(span=> let #value = #argument::take(#input, #title)?; #steps)
        };
    }
    quote! {
        #[doc(hidden)]
        fn __offspring_run #parameter_list (
            #input: &mut #private::Unpack<'_>
        ) -> #path::Result<#private::Reply> #bounds {
            #steps
        }
    }
}

/// Makes a reply of the value of `call`.
pub(crate) fn reply(output: &Output, path: &Crate, call: &TokenStream) -> TokenStream {
    let back = returned(output, path);
    match output {
        // A block, so that what never comes takes on any type.
        Output::Never(_) => quote!(#back::reply({ #call })),
        _ => quote!(#back::reply(#call)),
    }
}

/// `<R as Return<_>>`, at the user's type, so that what it lacks is reported there.
fn returned(output: &Output, path: &Crate) -> TokenStream {
    let (private, value) = (path.private(), result_type(output));
    quote_spanned!(value.span()=> <#value as #private::Return<_>>)
}

/// Makes a task of what was packed.
pub(crate) fn make(
    output: &Output,
    path: &Crate,
    code: &TokenStream,
    pack: &Ident,
    settings: &TokenStream,
) -> TokenStream {
    let (private, back) = (path.private(), returned(output, path));
    quote!(#private::task(#code, #pack, #settings, #back::unpack))
}

/// The type that `join` gives.
pub(crate) fn result_type(output: &Output) -> TokenStream {
    match output {
        Output::Unit(span) => quote_spanned!(*span=> ()),
        Output::Never(span) => quote_spanned!(*span=> ::core::convert::Infallible),
        Output::Value(ty) => ty.to_token_stream(),
    }
}

/// The caller's side: arguments in, nothing started.
fn task(process: &Process, settings: &[(Ident, Setting)]) -> TokenStream {
    let Process { path, vis, sig, parameters, generics, carried, .. } = process;
    let (private, name) = (path.private(), &sig.ident);
    let (parameter_list, _, bounds) = generics.split_for_impl();
    let deprecated = &carried.method;
    let declared = parameters.iter().map(declaration);
    let pack = local("pack");
    let packed = parameters.iter().map(|parameter| {
        let (argument, title) = (argument(parameter, path), &parameter.title);
        let binding = &parameter.binding;
        let borrow = if parameter.lent { None } else { Some(quote!(&)) };
        quote!(#argument::pack(#borrow #binding, &mut #pack, #title);)
    });
    let title = name.unraw().to_string();
    let (entry, code) = if generics.params.is_empty() {
        entry(path, &title, &signature(process), &quote!(#name::__offspring_run))
    } else {
        let arguments = turbofish(generics);
        (None, generic_code(path, &title, &quote!(Self::__offspring_run #arguments)))
    };
    let settings = daemon::settings(path, &title, process.kind, settings);
    let result = result_type(&process.output);
    let make = make(&process.output, path, &code, &pack, &settings);
    let summary = format!("Prepares [`{name}`](fn@{name}) to run in a process of its own.");
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #[doc = "Arguments are encoded here; options can still be set, and `spawn` starts it."]
        #(#deprecated)*
        #[must_use = "a task does nothing until it is spawned"]
        #vis fn task #parameter_list (#(#declared),*) -> #path::Task<#result> #bounds {
            #entry
            let mut #pack = #private::Pack::new();
            #(#packed)*
            #make
        }
    }
}

fn spawn(process: &Process) -> TokenStream {
    let Process { path, vis, sig, parameters, generics, carried, .. } = process;
    let name = &sig.ident;
    let (parameter_list, _, bounds) = generics.split_for_impl();
    let arguments = turbofish(generics);
    let deprecated = &carried.method;
    let declared = parameters.iter().map(declaration);
    let given = parameters.iter().map(|parameter| &parameter.binding);
    let result = result_type(&process.output);
    let summary = format!("Starts [`{name}`](fn@{name}) in a process of its own.");
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #[doc = "# Errors"]
        #[doc = ""]
        #[doc = "When an argument cannot be encoded, or no process can be started."]
        #(#deprecated)*
        #vis fn spawn #parameter_list (
            #(#declared),*
        ) -> #path::Result<#path::Process<#result>> #bounds {
            Self::task #arguments (#(#given),*).spawn()
        }
    }
}

/// The registry entry by which another process of this program finds `run`, and its mention.
pub(crate) fn entry(
    path: &Crate,
    title: &str,
    signature: &str,
    run: &TokenStream,
) -> (Option<TokenStream>, TokenStream) {
    let private = path.private();
    let entry = quote! {
        #[#private::linkme::distributed_slice(#private::ENTRIES)]
        #[linkme(crate = #private::linkme)]
        static __OFFSPRING_ENTRY: #private::Entry = #private::Entry::new(
            ::core::concat!(::core::module_path!(), "::", #title),
            ::core::concat!(
                #signature, "@", ::core::file!(), ":", ::core::line!(), ":", ::core::column!()
            ),
            #run,
        );
    };
    (Some(entry), quote!(#private::Code::Named(&__OFFSPRING_ENTRY)))
}

/// How a generic function is named: it has no entry, since each use makes another one of it.
pub(crate) fn generic_code(path: &Crate, title: &str, run: &TokenStream) -> TokenStream {
    let private = path.private();
    quote! {
        #private::Code::generic(::core::concat!(::core::module_path!(), "::", #title), #run)
    }
}

/// What tells two tasks of one name apart, as in two function bodies of one macro.
fn signature(process: &Process) -> String {
    format!("{}{}", process.sig.to_token_stream(), position(process.sig.ident.span()))
}

/// Where a token was written, inside `macro_rules!` too.
pub(crate) fn position(span: Span) -> String {
    if !proc_macro::is_available() {
        return String::new();
    }
    let span = span.unwrap();
    format!("@{}:{}", span.line(), span.column())
}

/// `<T as Argument>`, at the user's type, so that what it lacks is reported there.
fn argument(parameter: &Parameter, path: &Crate) -> TokenStream {
    let (private, ty) = (path.private(), &parameter.ty);
    quote_spanned!(ty.span()=> <#ty as #private::Argument>)
}

fn declaration(parameter: &Parameter) -> TokenStream {
    let Parameter { binding, ty, .. } = parameter;
    if parameter.lent { quote!(#binding: &#ty) } else { quote!(#binding: #ty) }
}

/// A name that no name of the user's can be confused with.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `::<T, N>`, or nothing.
fn turbofish(generics: &Generics) -> Option<TokenStream> {
    let names = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(it) => Some(&it.ident),
        GenericParam::Const(it) => Some(&it.ident),
        GenericParam::Lifetime(_) => None,
    });
    (!generics.params.is_empty()).then(|| quote!(::<#(#names),*>))
}
