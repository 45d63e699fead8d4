//! Methods of a shared value, callable on the `Mutex` around it: each call is one locked step.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Expr, ExprPath, FnArg, GenericParam, ImplItemFn, ItemImpl, Pat, Path, QSelf,
    ReturnType, Type, TypePath, parse_quote,
};

use super::process::{allow, local};
use crate::check::carried;
use crate::check::methods::methods;
use crate::path::Crate;

/// The block as it was, and the view of a lock that has its methods.
pub(crate) fn expand(block: &ItemImpl, path: &Crate, item: &TokenStream) -> TokenStream {
    let (private, self_ty, allow) = (path.private(), &block.self_ty, allow());
    let view = format_ident!("__{}Methods", title(self_ty), span = Span::call_site());
    let summary = format!("The methods of `{}`, each one a locked step.", title(self_ty));
    let mut generics = block.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#path::Shareable));
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let condition = carried::from(&block.attrs).condition;
    let steps = methods(block).map(|method| step(method, self_ty, path));
    quote! {
        #item
        #(#condition)*
        const _: () = {
            #[doc = #summary]
            #[repr(transparent)]
            #allow
            pub struct #view #parameters (#path::sync::Mutex<#self_ty>) #bounds;

            // SAFETY: a transparent wrapper around exactly `Mutex<Self>`.
            unsafe impl #parameters #private::Locked for #self_ty #bounds {
                type Methods = #view #arguments;
            }

            #allow
            impl #parameters #view #arguments #bounds {
                #(#steps)*
            }
        };
    }
}

/// One method: lock, call, give back.
fn step(method: &ImplItemFn, self_ty: &Type, path: &Crate) -> TokenStream {
    let mut sig = method.sig.clone();
    NameSelf { self_ty }.visit_signature_mut(&mut sig);
    let (vis, name, guard) = (&method.vis, &sig.ident, local("guard"));
    let attributes = method.attrs.iter().filter(|it| is_documentation(it));
    let carried = carried::from(&method.attrs);
    let (for_item, for_method) = (&carried.item, &carried.method);
    let bindings: Vec<_> = (0..sig.inputs.len()).map(|at| binding(&sig.inputs[at], at)).collect();
    let declared = sig.inputs.iter().zip(&bindings).filter_map(|(input, binding)| match input {
        FnArg::Typed(argument) => {
            let ty = &argument.ty;
            Some(quote!(#binding: #ty))
        }
        FnArg::Receiver(_) => None,
    });
    let given = bindings.iter().skip(1);
    let mutable = sig.receiver().is_some_and(|receiver| receiver.mutability.is_some());
    let mutable = mutable.then(|| quote!(mut));
    let result = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => {
            quote!(::core::convert::Infallible)
        }
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let (parameters, _, bounds) = sig.generics.split_for_impl();
    let names: Vec<_> = sig.generics.params.iter().filter_map(type_or_const).collect();
    let turbofish = (!names.is_empty()).then(|| quote!(::<#(#names),*>));
    quote! {
        #(#attributes)*
        #(#for_item)*
        #(#for_method)*
        #[inline]
        #[track_caller]
        #vis fn #name #parameters (
            &self, #(#declared),*
        ) -> ::core::result::Result<#result, #path::sync::LockError> #bounds {
            let #mutable #guard =
                self.0.lock().map_err(#path::sync::LockError::without_guard)?;
            ::core::result::Result::Ok(<#self_ty>::#name #turbofish(&#mutable #guard, #(#given),*))
        }
    }
}

fn binding(input: &FnArg, at: usize) -> proc_macro2::Ident {
    match input {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            _ => local(&format!("argument_{at}")),
        },
        FnArg::Receiver(_) => local("receiver"),
    }
}

fn type_or_const(parameter: &GenericParam) -> Option<&proc_macro2::Ident> {
    match parameter {
        GenericParam::Type(it) => Some(&it.ident),
        GenericParam::Const(it) => Some(&it.ident),
        GenericParam::Lifetime(_) => None,
    }
}

/// `doc(hidden)` and the like are carried anyway.
fn is_documentation(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc") && matches!(attribute.meta, syn::Meta::NameValue(_))
}

/// The last word of a type's path.
fn title(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|it| it.ident.unraw().to_string()),
        Type::Group(group) => Some(title(&group.elem)),
        _ => None,
    }
    .unwrap_or_else(|| "Shared".to_owned())
}

/// Says the type's own name where a signature says `Self`, which is the view's in the view.
struct NameSelf<'a> {
    self_ty: &'a Type,
}

impl NameSelf<'_> {
    /// `Self::Item` as `<Account>::Item`.
    fn qualify(&self, qself: &mut Option<QSelf>, path: &mut Path) {
        let is_self = path.segments.first().is_some_and(|segment| segment.ident == "Self");
        if !is_self || qself.is_some() || path.segments.len() < 2 {
            return;
        }
        *qself = Some(QSelf {
            lt_token: Default::default(),
            ty: Box::new(self.self_ty.clone()),
            position: 0,
            as_token: None,
            gt_token: Default::default(),
        });
        path.leading_colon = Some(Default::default());
        path.segments = std::mem::take(&mut path.segments).into_iter().skip(1).collect();
    }
}

impl VisitMut for NameSelf<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(TypePath { qself: None, path }) if path.is_ident("Self") => {
                *ty = self.self_ty.clone();
            }
            other => visit_mut::visit_type_mut(self, other),
        }
    }

    fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
        visit_mut::visit_type_path_mut(self, ty);
        self.qualify(&mut ty.qself, &mut ty.path);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::Path(ExprPath { qself, path, .. }) = expr {
            self.qualify(qself, path);
        }
    }

    fn visit_receiver_mut(&mut self, _receiver: &mut syn::Receiver) {
        // Its type is `&Self` by nature, and not repeated.
    }
}
