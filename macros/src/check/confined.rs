//! Types of the standard library that mean nothing in another process, or silently something else: their
//! names, and what to write instead.

use quote::ToTokens;
use syn::{Expr, ExprLit, GenericArgument, Lit, PathArguments, Type, TypeArray, TypePath};

use super::types::{Subject, ungroup};

/// Why a type stays in its process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// serde would copy what is made to be changed by several.
    Atomic,
    Lock,
    /// serde would copy it, full or not, if it knew it.
    Filled,
    Pointer,
    Condition,
    Barrier,
    Counted,
    Sender,
    Receiver,
    File,
    Descriptor,
    Socket,
    Thread,
    Instant,
    Guard,
}

/// Types known by their last name.
struct Known {
    names: &'static [&'static str],
    reason: Reason,
    /// Whether it has parameters; a type of that name without them is another one.
    generic: bool,
    /// The modules before its name, where they tell it from a user's own.
    homes: &'static [&'static str],
}

const fn known(
    reason: Reason,
    generic: bool,
    names: &'static [&'static str],
    homes: &'static [&'static str],
) -> Known {
    Known { names, reason, generic, homes }
}

/// A user's own type may be called so too.
const COMMON_WORDS: &[&str] = &["File", "Instant"];

const KNOWN: &[Known] = &[
    known(
        Reason::Atomic,
        false,
        &[
            "AtomicBool",
            "AtomicI8",
            "AtomicI16",
            "AtomicI32",
            "AtomicI64",
            "AtomicIsize",
            "AtomicU8",
            "AtomicU16",
            "AtomicU32",
            "AtomicU64",
            "AtomicUsize",
        ],
        &[],
    ),
    known(Reason::Pointer, true, &["AtomicPtr", "NonNull"], &[]),
    known(Reason::Lock, true, &["Mutex", "RwLock", "RefCell", "Cell", "UnsafeCell"], &[]),
    known(Reason::Filled, true, &["OnceLock", "LazyLock", "OnceCell", "LazyCell"], &[]),
    known(Reason::Condition, false, &["Condvar"], &["sync"]),
    known(Reason::Barrier, false, &["Barrier"], &["sync"]),
    known(Reason::Counted, true, &["Arc", "Rc", "Weak"], &["sync", "rc"]),
    known(Reason::Sender, true, &["Sender", "SyncSender"], &["mpsc"]),
    known(Reason::Receiver, true, &["Receiver"], &["mpsc"]),
    known(Reason::File, false, &["File"], &["fs"]),
    known(Reason::Descriptor, false, &["OwnedFd", "BorrowedFd"], &["fd", "io"]),
    known(
        Reason::Socket,
        false,
        &["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"],
        &["net"],
    ),
    known(Reason::Thread, true, &["JoinHandle"], &["thread", "task"]),
    known(Reason::Instant, false, &["Instant"], &["time"]),
    known(Reason::Guard, true, &["MutexGuard", "RwLockReadGuard", "RwLockWriteGuard"], &["sync"]),
];

/// Where in an argument, a result or a field a type stands.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    /// Whether it is a part of another type.
    pub(crate) nested: bool,
    /// Whether that one is a list of them.
    pub(crate) listed: bool,
}

/// What is wrong with a type of the standard library, and what to write instead; `None` if it may travel.
pub(crate) fn sentence(ty: &TypePath, subject: Subject<'_>, place: Place) -> Option<String> {
    let known = known_as(ty)?;
    let verb = if place.nested { "hold" } else { "be" };
    let (name, advice) = (spell(ty), advice(known.reason, ty, subject, place)?);
    let mut sentence = format!("{subject} cannot {verb} `{name}`, {advice}");
    if ty.path.segments.len() == 1 && COMMON_WORDS.contains(&name.as_str()) {
        sentence += &format!("; write `self::{name}` for a type of your own");
    }
    Some(sentence)
}

/// The refusal of an array that serde does not know.
pub(crate) fn long_array(array: &TypeArray, subject: Subject<'_>) -> Option<String> {
    let Expr::Lit(ExprLit { lit: Lit::Int(length), .. }) = &array.len else { return None };
    if length.base10_parse::<u64>().is_ok_and(|length| length <= 32) {
        return None;
    }
    let element = spell(&array.elem);
    let instead = match subject {
        Subject::Argument { .. } => format!("take `&[{element}]` or `Vec<{element}>`"),
        Subject::Result => format!("return `Vec<{element}>`"),
        Subject::Field => format!("hold `Vec<{element}>`"),
    };
    Some(format!("{subject} cannot be an array of more than 32 elements; {instead}"))
}

fn known_as(ty: &TypePath) -> Option<&'static Known> {
    let segments = &ty.path.segments;
    let last = segments.last()?;
    let known = KNOWN.iter().find(|known| known.names.iter().any(|name| last.ident == name))?;
    if known.reason == Reason::Atomic {
        return Some(known);
    }
    let before = segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    let own = ["crate", "self", "super"].iter().any(|root| segments[0].ident == root);
    // Alone, it may be the handle of ours that is called so.
    let alone_too = known.reason != Reason::Barrier;
    let at_home = before.map_or(alone_too, |before| {
        known.homes.is_empty() || known.homes.contains(&before.as_str())
    });
    let generic = matches!(last.arguments, PathArguments::AngleBracketed(_));
    (ty.qself.is_none() && !own && at_home && generic == known.generic).then_some(known)
}

/// Why not, and what instead.
fn advice(reason: Reason, ty: &TypePath, subject: Subject<'_>, place: Place) -> Option<String> {
    let value = inner(ty);
    let owned = value.map_or_else(|| "T".to_owned(), owned);
    let take = match subject {
        Subject::Argument { .. } => "take",
        Subject::Result => "return",
        Subject::Field => "hold",
    };
    Some(match reason {
        Reason::Atomic | Reason::Lock => changed(reason, ty, subject, place),
        Reason::Filled => {
            format!("because each process would fill its own copy; {take} what it holds, `{owned}`")
        }
        Reason::Counted => return counted(value?, subject, place),
        Reason::Pointer => {
            format!(
                "which means nothing in another process; {take} the value, or `Shared<{owned}>`"
            )
        }
        Reason::Condition => {
            format!("whose copy would wake nobody; {take} an `offspring::Condition`")
        }
        Reason::Barrier => {
            format!("at whose copy nobody would arrive; {take} an `offspring::Barrier`")
        }
        Reason::Sender => {
            "which reaches threads of one process only; let the task return what it would send"
                .to_owned()
        }
        Reason::Receiver => {
            format!("which threads of one process feed; {take} the values, as in `Vec<{owned}>`")
        }
        Reason::File => {
            format!(
                "which is open in one process only; {take} its path, and open it there, or an \
                 `offspring::Descriptor` of it"
            )
        }
        Reason::Descriptor | Reason::Socket => {
            format!("which is open in one process only; {take} an `offspring::Descriptor` of it")
        }
        Reason::Thread => format!(
            "whose thread belongs to one process; join it first, and {take} what that gives, `{owned}`"
        ),
        Reason::Instant => format!(
            "which can be compared within one process only; {take} a `Duration`, or a `SystemTime`"
        ),
        Reason::Guard => {
            format!("whose lock is one process's own; {take} a copy of what it guards, `{owned}`")
        }
    })
}

/// What several are meant to change, and serde would copy.
fn changed(reason: Reason, ty: &TypePath, subject: Subject<'_>, place: Place) -> String {
    let value = inner(ty);
    let (shared, held, whose) = if reason == Reason::Lock {
        let shared = value.map_or_else(|| "T".to_owned(), fixed);
        let held = value.map_or_else(|| "T".to_owned(), owned);
        if last_word(ty) == "RwLock" {
            (format!("RwLock<{shared}>"), held, " with the `RwLock` of `offspring::sync`")
        } else {
            (format!("Mutex<{shared}>"), held, " with the `Mutex` of `offspring::sync`")
        }
    } else {
        let name = last_word(ty);
        let held = name.trim_start_matches("Atomic").to_lowercase();
        (name, held, "")
    };
    let shared = if place.listed { format!("[{shared}]") } else { shared };
    match subject {
        Subject::Argument { lent, .. } => {
            let by_name = if lent && !place.nested {
                ", or use a `#[shared] static` by its name instead of passing it"
            } else {
                ""
            };
            format!(
                "because the child would change a copy; take `&Shared<{shared}>`{whose}{by_name}"
            )
        }
        Subject::Result => {
            format!("because the parent would get a copy; return what it holds, `{held}`")
        }
        Subject::Field => {
            format!("because each process would change a copy; hold `Shared<{shared}>`{whose}")
        }
    }
}

/// `Arc` and its like, around `value`.
fn counted(value: &Type, subject: Subject<'_>, place: Place) -> Option<String> {
    match ungroup(value) {
        // That has a sentence of its own.
        Type::TraitObject(_) => return None,
        Type::Path(path) => match known_as(path) {
            // The owners are counted for the sake of what they change.
            Some(known) if matches!(known.reason, Reason::Atomic | Reason::Lock) => {
                return Some(changed(known.reason, path, subject, place));
            }
            _ => {}
        },
        _ => {}
    }
    let (lent, owned, fixed) = (spell(value), owned(value), fixed(value));
    let memory = "for memory that all see";
    let instead = match subject {
        Subject::Argument { .. } => {
            format!("take `&{lent}` for a copy, or `&Shared<{fixed}>` {memory}")
        }
        Subject::Result => format!("return `{owned}` itself"),
        Subject::Field => format!("hold `{owned}` for a copy, or `Shared<{fixed}>` {memory}"),
    };
    Some(format!("which counts owners within one process; {instead}"))
}

/// The first type parameter.
fn inner(ty: &TypePath) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &ty.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// What owns values of a type that has none of a known size.
fn owned(ty: &Type) -> String {
    match ungroup(ty) {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", spell(&slice.elem)),
        other => spell(other),
    }
}

/// What does the work of a type in shared memory, where nothing grows.
fn fixed(ty: &Type) -> String {
    let Type::Path(path) = ungroup(ty) else { return spell(ty) };
    match (last_word(path).as_str(), inner(path)) {
        ("str" | "String", _) => "Text<N>".to_owned(),
        ("Vec" | "VecDeque" | "HashSet" | "BTreeSet", Some(item)) => {
            format!("Seq<{}, N>", spell(item))
        }
        ("HashMap" | "BTreeMap", _) => "Seq<(K, V), N>".to_owned(),
        _ => spell(ty),
    }
}

fn last_word(ty: &TypePath) -> String {
    ty.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// A type as people write it, rather than with spaces between its tokens.
pub(crate) fn spell(ty: &impl ToTokens) -> String {
    let mut text = ty.to_token_stream().to_string();
    for (apart, together) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" ;", ";"),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (",>", ">"),
    ] {
        text = text.replace(apart, together);
    }
    text
}
