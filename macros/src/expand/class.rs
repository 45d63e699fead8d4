//! A block with a `run`, and beside it one that starts it elsewhere.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::process::{allow, entry, generic_code, local, make, position, reply, result_type};
use crate::attr::Setting;
use crate::check::class::{Class, Taken};
use crate::expand::daemon;

/// The block as it was, and its companion.
pub(crate) fn expand(
    class: &Class,
    settings: &[(Ident, Setting)],
    item: &TokenStream,
) -> TokenStream {
    let Class { path, self_ty, vis, title, .. } = class;
    let (parameters, _, bounds) = class.generics.split_for_impl();
    let (attributes, allow) = (&class.carried.item, allow());
    let result = result_type(&class.output);
    let (run, task) = (child(class), task(class, settings));
    let summary = format!("Starts [`run`](Self::run) of this `{title}` in a process of its own.");
    quote! {
        #item
        #(#attributes)*
        #allow
        impl #parameters #self_ty #bounds {
            #run
            #task
            #[doc = #summary]
            #[doc = ""]
            #[doc = "# Errors"]
            #[doc = ""]
            #[doc = "When the value cannot be encoded, or no process can be started."]
            #vis fn spawn(self) -> #path::Result<#path::Process<#result>> {
                self.task().spawn()
            }
        }
    }
}

/// The child's side: the value out, the call, the result in.
fn child(class: &Class) -> TokenStream {
    let path = &class.path;
    let (private, argument) = (path.private(), argument(class));
    let (input, value) = (local("input"), local("value"));
    let (mutable, given) = match class.receiver {
        Taken::Whole => (None, quote!(#value)),
        Taken::Lent => (None, quote!(&#value)),
        Taken::LentMutably => (Some(quote!(mut)), quote!(&mut #value)),
    };
    let take = quote_spanned! {class.self_ty.span()=>
        let #mutable #value = #argument::take(#input, "self")?;
    };
    let reply = reply(&class.output, path, &quote!(Self::run(#given)));
    quote! {
        #[doc(hidden)]
        fn __offspring_run(#input: &mut #private::Unpack<'_>) -> #path::Result<#private::Reply> {
            #take
            #reply
        }
    }
}

fn task(class: &Class, settings: &[(Ident, Setting)]) -> TokenStream {
    let Class { path, self_ty, title, vis, .. } = class;
    let (private, argument, pack) = (path.private(), argument(class), local("pack"));
    let (entry, code) = if class.generics.params.is_empty() {
        let signature = format!("impl {}{}", self_ty.to_token_stream(), position(class.run));
        entry(path, title, &signature, &quote!(<#self_ty>::__offspring_run))
    } else {
        (None, generic_code(path, title, &quote!(Self::__offspring_run)))
    };
    let settings = daemon::settings(path, title, class.kind, settings);
    let result = result_type(&class.output);
    let make = make(&class.output, path, &code, &pack, &settings);
    let summary =
        format!("Prepares [`run`](Self::run) of this `{title}` for a process of its own.");
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #[doc = "The value is encoded here; options can still be set, and `spawn` starts it."]
        #[must_use = "a task does nothing until it is spawned"]
        #vis fn task(self) -> #path::Task<#result> {
            #entry
            let mut #pack = #private::Pack::new();
            #argument::pack(&self, &mut #pack, "self");
            #make
        }
    }
}

/// `<Self as Argument>`, at the user's type, so that what it lacks is reported there.
fn argument(class: &Class) -> TokenStream {
    let (private, self_ty) = (class.path.private(), &class.self_ty);
    quote_spanned!(self_ty.span()=> <#self_ty as #private::Argument>)
}
