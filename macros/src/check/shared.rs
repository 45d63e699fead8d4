//! What may live in shared memory: the words that say what to write instead of that which may not.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Data, DeriveInput, Expr, Fields, ItemStatic, Lifetime, PathSegment, StaticMutability};
use syn::{Type, TypePath, Variant};

use super::carried;
use crate::errors::Errors;

/// What stands in for a type of one process, and why that one cannot stay.
struct Advice {
    names: &'static [&'static str],
    sentence: &'static str,
}

/// Types known by their name, whether alone or behind a path of the standard library.
const BY_NAME: &[Advice] = &[
    Advice {
        names: &["String", "PathBuf", "OsString", "CString"],
        sentence: "keeps its text in the heap of one process; write `offspring::Text<N>`, which has \
                   room for N bytes",
    },
    Advice {
        names: &["Vec", "VecDeque", "LinkedList", "BinaryHeap"],
        sentence: "keeps its items in the heap of one process; write `offspring::Seq<T, N>`, which has \
                   room for N of them, or pass an `offspring::Shared<[T]>` beside this type",
    },
    Advice {
        names: &["Box"],
        sentence: "points into the heap of one process; hold the value itself",
    },
    Advice {
        names: &["Rc", "Arc", "Weak"],
        sentence: "counts the owners in one process; hold the value itself, and share the whole with \
                   `offspring::Shared<T>`",
    },
    Advice {
        names: &["HashMap", "BTreeMap"],
        sentence: "keeps its items in the heap of one process; write `offspring::Seq<(K, V), N>`, \
                   which has room for N of them",
    },
    Advice {
        names: &["HashSet", "BTreeSet"],
        sentence: "keeps its items in the heap of one process; write `offspring::Seq<T, N>`, which has \
                   room for N of them",
    },
    Advice {
        names: &["Cell", "RefCell", "UnsafeCell", "OnceCell", "LazyCell"],
        sentence: "may not be changed by two at a time; write an atomic, or \
                   `offspring::sync::Mutex<T>`",
    },
];

/// Types of `std::sync` that need the path to be told from ours, and what does their work.
const OF_STD_SYNC: &[(&str, &str)] = &[
    ("Mutex", "`offspring::sync::Mutex`"),
    ("RwLock", "`offspring::sync::RwLock`"),
    ("OnceLock", "`offspring::sync::Mutex` around an `Option`"),
    ("LazyLock", "the value itself"),
    ("Condvar", "`offspring::sync::Condvar`"),
    ("Barrier", "`offspring::sync::Barrier`"),
    ("Once", "`offspring::sync::Once`"),
];

/// Handles of ours, by their full path, and what each leads to.
const HANDLES: &[(&str, &str)] = &[
    ("Shared", "the value itself"),
    ("Lock", "`offspring::sync::Mutex<()>`"),
    ("RLock", "`offspring::sync::RLock`"),
    ("Semaphore", "`offspring::sync::Semaphore`"),
    ("BoundedSemaphore", "`offspring::sync::BoundedSemaphore`"),
    ("Event", "`offspring::sync::Event`"),
    ("Condition", "`offspring::sync::Condvar`"),
    ("Barrier", "`offspring::sync::Barrier`"),
];

/// Refuses a type whose values mean nothing in another process.
pub(crate) fn check(data: &DeriveInput, errors: &mut Errors) {
    for parameter in data.generics.lifetimes() {
        errors.at(
            parameter,
            format!(
                "a shared type owns what it holds: leave out `{}` and the references that need it",
                parameter.lifetime,
            ),
        );
    }
    match &data.data {
        Data::Struct(data) => check_fields(&data.fields, errors),
        Data::Enum(data) => {
            let present = |it: &&Variant| !carried::is_conditional(&it.attrs);
            for variant in data.variants.iter().filter(present) {
                check_fields(&variant.fields, errors);
            }
        }
        Data::Union(data) => errors.at(
            data.union_token,
            "a union cannot be shared, because nobody knows which field is valid; write an `enum`",
        ),
    }
}

/// Refuses a static that has no one place for all processes.
pub(crate) fn check_static(item: &ItemStatic, errors: &mut Errors) {
    if let StaticMutability::Mut(token) = &item.mutability {
        errors.at(
            token,
            "a shared static cannot be `mut`, because all processes change it at once; write an \
             atomic, or `offspring::sync::Mutex<T>`",
        );
    }
    Unshareable { errors }.visit_type(&item.ty);
}

fn check_fields(fields: &Fields, errors: &mut Errors) {
    // What is only there under a condition is left to the compiler, which knows the condition.
    for field in fields.iter().filter(|field| !carried::is_conditional(&field.attrs)) {
        Unshareable { errors }.visit_type(&field.ty);
    }
}

struct Unshareable<'a> {
    errors: &'a mut Errors,
}

impl Unshareable<'_> {
    fn refuse(&mut self, tokens: impl ToTokens, sentence: &str) {
        self.errors.at(tokens, sentence);
    }
}

impl<'ast> Visit<'ast> for Unshareable<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) => self.refuse(
                reference,
                "a reference is an address of one process; hold the value itself, as in \
                 `offspring::Text<N>` for `&str` or `offspring::Seq<T, N>` for `&[T]`",
            ),
            Type::Ptr(pointer) => self.refuse(
                pointer,
                "a raw pointer is an address of one process; hold the value itself, or an index",
            ),
            Type::BareFn(function) => self.refuse(
                function,
                "a function pointer is an address of one process; write an enum that says which \
                 function to call",
            ),
            Type::TraitObject(object) => self.refuse(
                object,
                "a `dyn Trait` holds addresses of one process; write a concrete type, or an enum of \
                 the possible ones",
            ),
            other => visit::visit_type(self, other),
        }
    }

    fn visit_type_path(&mut self, path: &'ast TypePath) {
        if let Some((name, advice)) = advice(path) {
            self.refuse(path, &format!("`{name}` {advice}"));
        } else if let Some((name, instead)) = of_std_sync(path) {
            self.refuse(
                path,
                &format!(
                    "`{name}` of the standard library works within one process; write {instead}"
                ),
            );
        } else if let Some((name, instead)) = handle(path) {
            self.refuse(
                path,
                &format!(
                    "`{name}` is a handle, which belongs to one process; write {instead}, or pass the \
                     handle beside this type"
                ),
            );
        } else {
            visit::visit_type_path(self, path);
        }
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        // It holds no value of its parameter, so that one may be anything.
        if segment.ident != "PhantomData" {
            visit::visit_path_segment(self, segment);
        }
    }

    fn visit_lifetime(&mut self, _lifetime: &'ast Lifetime) {
        // Refused where it is declared; `'static` does no harm.
    }

    fn visit_expr(&mut self, _length: &'ast Expr) {
        // The length of an array holds no data.
    }
}

/// The advice for a type that is known by name, if it is the standard library's.
fn advice(path: &TypePath) -> Option<(&Ident, &'static str)> {
    let last = path.path.segments.last()?;
    let alone = path.qself.is_none() && path.path.segments.len() == 1;
    if !alone && !is_std(path) {
        return None;
    }
    let known = BY_NAME.iter().find(|advice| advice.names.iter().any(|name| last.ident == name))?;
    Some((&last.ident, known.sentence))
}

fn of_std_sync(path: &TypePath) -> Option<&'static (&'static str, &'static str)> {
    let last = &path.path.segments.last()?.ident;
    OF_STD_SYNC.iter().find(|(name, _)| is_std(path) && last == name)
}

fn handle(path: &TypePath) -> Option<&'static (&'static str, &'static str)> {
    let segments = &path.path.segments;
    let ours = segments.len() == 2 && segments[0].ident == "offspring";
    HANDLES.iter().find(|(name, _)| path.qself.is_none() && ours && segments[1].ident == name)
}

/// Whether a path says that it leads into the standard library.
fn is_std(path: &TypePath) -> bool {
    let first = path.path.segments.first();
    path.qself.is_none()
        && first.is_some_and(|it| ["std", "core", "alloc"].iter().any(|root| it.ident == root))
}
