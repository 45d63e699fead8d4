//! Types that cannot travel to another process, whatever they implement.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Ident, Lifetime, PathSegment, Type, TypePath};

use super::confined::{self, Place};
use crate::errors::Errors;

/// What a type stands for in a sentence.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Argument { name: &'a str, lent: bool },
    Result,
    Field,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument { name, .. } => write!(f, "argument `{name}`"),
            Self::Result => f.write_str("the result"),
            Self::Field => f.write_str("a field of a message"),
        }
    }
}

/// Refuses what `ty` holds that no other process could make sense of.
pub(crate) fn refuse_unsendable(ty: &Type, subject: Subject<'_>, errors: &mut Errors) {
    Refusals { subject, place: Some(Place::default()), errors }.visit_type(ty);
}

/// Looks through the parentheses and invisible groups around a type.
pub(crate) fn ungroup(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungroup(&group.elem),
        Type::Paren(paren) => ungroup(&paren.elem),
        other => other,
    }
}

/// Whether `ty` holds a value of the type parameter `name`.
pub(crate) fn mentions(ty: &Type, name: &Ident) -> bool {
    struct Mention<'a>(&'a Ident, bool);
    impl<'ast> Visit<'ast> for Mention<'_> {
        fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
            self.1 |= segment.ident == *self.0;
            if segment.ident != "PhantomData" {
                visit::visit_path_segment(self, segment);
            }
        }
    }
    let mut mention = Mention(name, false);
    mention.visit_type(ty);
    mention.1
}

struct Refusals<'a> {
    subject: Subject<'a>,
    /// Where what is visited stands; `None` inside types of which nobody knows what they hold.
    place: Option<Place>,
    errors: &'a mut Errors,
}

impl Refusals<'_> {
    fn refuse(&mut self, tokens: impl ToTokens, why: &str) {
        self.errors.at(tokens, format!("{} {why}", self.subject));
    }

    /// Visits the parts of a type that stand in `place`.
    fn within(&mut self, place: Option<Place>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.place, place);
        visit(self);
        self.place = outer;
    }

    /// Visits the parts of a type that holds its parameters as they are.
    fn parts(&mut self, listed: bool, visit: impl FnOnce(&mut Self)) {
        let listed = listed && self.place.is_some_and(|place| !place.nested);
        self.within(self.place.map(|_| Place { nested: true, listed }), visit);
    }
}

/// Types that travel with what they hold; of others, such as `Shared`, nobody knows what travels.
const HOLDERS: &[&str] = &[
    "Option",
    "Result",
    "Box",
    "Vec",
    "VecDeque",
    "LinkedList",
    "BinaryHeap",
    "HashMap",
    "BTreeMap",
    "HashSet",
    "BTreeSet",
];

impl<'ast> Visit<'ast> for Refusals<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) => match self.subject {
                Subject::Argument { .. } => self.refuse(
                    reference,
                    "cannot hold a reference inside another type; own what it refers to, as in \
                     `String` for `&str` or `Vec<T>` for `&[T]`",
                ),
                Subject::Result => self.refuse(
                    reference,
                    "cannot be a reference, because the child's memory ends with it; return an \
                     owned value, such as `String` or `Vec<T>`",
                ),
                Subject::Field => self.refuse(
                    reference,
                    "cannot be a reference; own what it refers to, as in `String` for `&str` or \
                     `Vec<T>` for `&[T]`",
                ),
            },
            Type::Ptr(pointer) => self.refuse(
                pointer,
                "cannot hold a raw pointer, which means nothing in another process; send the value \
                 itself, or put it in a `Shared<T>`",
            ),
            Type::BareFn(function) => self.refuse(
                function,
                "cannot hold a function pointer; make that function a `#[process]` of its own, or \
                 send an enum that says which function to call",
            ),
            Type::ImplTrait(some) => match self.subject {
                Subject::Argument { .. } => self.refuse(
                    some,
                    "cannot be `impl Trait`, because the child must name its type; write a generic \
                     parameter `T: Trait + offspring::Message`, or a concrete type",
                ),
                _ => self.refuse(
                    some,
                    "cannot be `impl Trait`, because the parent must name its type; return a \
                     concrete type",
                ),
            },
            // Errors are boxed often, and the runtime knows how to bring those home.
            Type::TraitObject(object) if !matches!(self.subject, Subject::Result) => self.refuse(
                object,
                "cannot hold a `dyn Trait`, whose type the other process does not know; take a \
                 concrete `#[message]` type, or an enum of the possible ones",
            ),
            Type::Array(array) => match confined::long_array(array, self.subject) {
                Some(sentence) if self.place.is_some() => self.errors.at(array, sentence),
                _ => self.parts(true, |it| visit::visit_type_array(it, array)),
            },
            Type::Slice(slice) => self.parts(true, |it| visit::visit_type_slice(it, slice)),
            Type::Tuple(tuple) => self.parts(false, |it| visit::visit_type_tuple(it, tuple)),
            other => visit::visit_type(self, other),
        }
    }

    fn visit_type_path(&mut self, path: &'ast TypePath) {
        let sentence = self.place.and_then(|it| confined::sentence(path, self.subject, it));
        if let Some(sentence) = sentence {
            return self.errors.at(path, sentence);
        }
        let Some(last) = path.path.segments.last() else { return };
        if HOLDERS.iter().any(|name| last.ident == name) {
            self.parts(last.ident == "Vec", |it| visit::visit_type_path(it, path));
        } else {
            self.within(None, |it| visit::visit_type_path(it, path));
        }
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        // It holds no value of its parameter, so that one may be anything.
        if segment.ident != "PhantomData" {
            visit::visit_path_segment(self, segment);
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let why = format!(
                "cannot carry the lifetime `{lifetime}` into another process; use a type that owns \
                 its data"
            );
            self.refuse(lifetime, &why);
        }
    }

    fn visit_expr(&mut self, _length: &'ast syn::Expr) {
        // The length of an array holds no data.
    }
}
