//! The number that says whether two sides mean the same type: a hash of names, sizes, alignments and fields,
//! computed at compile time.
//!
//! What `#[shared]` on a struct or enum emits (the fields in the order of the source):
//!
//! ```text
//! const LAYOUT: u64 = Hasher::start(concat!(module_path!(), "::Tally")).of::<Self>()
//!     .text("words").word(offset_of!(Self, words) as u64).word(<AtomicU64 as Shareable>::LAYOUT)
//!     .text("longest").word(offset_of!(Self, longest) as u64).word(<Mutex<Longest> as Shareable>::LAYOUT)
//!     .finish();
//! ```
//! A segment, which only processes of one build share, is told apart by the compiler's own number for its type as
//! well: types of the same path (in two function bodies, say) or with other markers (`PhantomData`) are others too.
//!
//! What has a name is for other programs, too, in which that number is another one. There the full name of the type stands for it,
//! and `toolchain` for the build: what `LAYOUT` leaves open (where in a tuple, an `Option` or a type of ours the compiler has put
//! things) follows from the compiler and from the version of this library.

use std::any::TypeId;
use std::hash::Hash as _;
use std::time::Duration;

/// 64-bit FNV-1a, as a chain of `const` calls.
#[derive(Clone, Copy, Debug)]
pub struct Hasher(u64);

impl Hasher {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// Begins with the name of the type.
    #[must_use]
    pub const fn start(name: &str) -> Self {
        Self(Self::BASIS).text(name)
    }

    /// Adds the size and the alignment of `T`.
    #[must_use]
    pub const fn of<T>(self) -> Self {
        self.word(size_of::<T>() as u64).word(align_of::<T>() as u64)
    }

    /// Adds a number: a size, an offset, the layout of a field.
    #[must_use]
    pub const fn word(self, word: u64) -> Self {
        self.bytes(&word.to_le_bytes())
    }

    /// Adds a name, and its end.
    #[must_use]
    pub const fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes()).word(text.len() as u64)
    }

    /// Adds what tells `T` from every other type of this build.
    #[must_use]
    pub(crate) fn identity<T: ?Sized + 'static>(self) -> Self {
        let mut running = Running(self);
        TypeId::of::<T>().hash(&mut running);
        running.0
    }

    /// The number.
    #[must_use]
    pub const fn finish(self) -> u64 {
        self.0
    }

    const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut at = 0;
        while at < bytes.len() {
            self.0 = (self.0 ^ bytes[at] as u64).wrapping_mul(Self::PRIME);
            at += 1;
        }
        self
    }
}

/// What lays out types alike: the compiler, whose own number for a type of its standard library is another one in each
/// of its versions, and the version of this library.
pub(crate) fn toolchain() -> u64 {
    Hasher::start(env!("CARGO_PKG_VERSION")).identity::<Option<Duration>>().finish()
}

/// For what only the `Hash` trait lets out.
struct Running(Hasher);

impl std::hash::Hasher for Running {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.bytes(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
