//! How a parameter travels: a value is copied; what is lent becomes the child's own.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{Pack, Unpack};
use crate::Result;

/// What a task can take, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another process: write `#[message]` above its definition, or send what it is made of",
    label = "not a message",
    note = "what stands in memory, such as the types of `offspring::sync`, stays there: pass a handle to it, as in `offspring::Semaphore` or `&Shared<T>`"
)]
pub trait Argument {
    /// What the child has of it.
    type Owned;

    /// Appends it.
    fn pack(&self, pack: &mut Pack, name: &str);

    /// Takes the child's own.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when the bytes are not such a value.
    fn unpack(unpack: &mut Unpack<'_>, name: &str) -> Result<Self::Owned>;

    /// What the child's own looks like to the function.
    fn lend(owned: &Self::Owned) -> &Self;

    /// Takes the child's own, and lends it to what comes `then`.
    ///
    /// # Errors
    /// As [`Argument::unpack`], or those of `then`.
    fn lent<R>(
        unpack: &mut Unpack<'_>,
        name: &str,
        then: impl FnOnce(&mut Unpack<'_>, &Self) -> Result<R>,
    ) -> Result<R> {
        let owned = Self::unpack(unpack, name)?;
        then(unpack, Self::lend(&owned))
    }

    /// Takes an argument that the function gets by value.
    ///
    /// # Errors
    /// As [`Argument::unpack`].
    fn take(unpack: &mut Unpack<'_>, name: &str) -> Result<Self>
    where
        Self: Sized;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Argument for T {
    type Owned = T;

    fn pack(&self, pack: &mut Pack, name: &str) {
        pack.put(self, name);
    }

    fn unpack(unpack: &mut Unpack<'_>, name: &str) -> Result<T> {
        unpack.take(name)
    }

    fn lend(owned: &T) -> &T {
        owned
    }

    fn take(unpack: &mut Unpack<'_>, name: &str) -> Result<T> {
        unpack.take(name)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Argument for [T] {
    type Owned = Vec<T>;

    fn pack(&self, pack: &mut Pack, name: &str) {
        pack.put_slice(self, name);
    }

    fn unpack(unpack: &mut Unpack<'_>, name: &str) -> Result<Vec<T>> {
        unpack.take(name)
    }

    fn lend(owned: &Vec<T>) -> &[T] {
        owned
    }
}

/// Texts of the system travel as the bytes that they are, UTF-8 or not.
macro_rules! lent_as_bytes {
    ($($lent:ty, $owned:ty, $bytes:expr, $back:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Argument for $lent {
            type Owned = $owned;

            fn pack(&self, pack: &mut Pack, _name: &str) {
                let bytes: fn(&$lent) -> &[u8] = $bytes;
                pack.put_bytes(bytes(self));
            }

            fn unpack(unpack: &mut Unpack<'_>, name: &str) -> Result<$owned> {
                let back: fn(Vec<u8>) -> Option<$owned> = $back;
                let bytes = unpack.bytes(name)?;
                back(bytes).ok_or_else(|| crate::Error::Decode {
                    name: name.to_owned(),
                    reason: "it is not valid text".to_owned(),
                })
            }

            fn lend(owned: &$owned) -> &$lent {
                owned
            }
        }
    )*};
}

lent_as_bytes! {
    str, String, str::as_bytes, |bytes| String::from_utf8(bytes).ok();
    OsStr, OsString, OsStr::as_bytes, |bytes| Some(OsString::from_vec(bytes));
    Path, PathBuf, |path| path.as_os_str().as_bytes(), |bytes| Some(OsString::from_vec(bytes).into());
    CStr, CString, CStr::to_bytes, |bytes| CString::new(bytes).ok();
}
