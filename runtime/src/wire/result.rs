//! How a result travels: by serde if it can, else with its error as text.

use std::convert::Infallible;
use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{Pack, Unpack};
use super::remote::RemoteError;
use crate::Result;

/// What a task may give back. `By` says how it travels and is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "a task cannot return `{Self}`: write `#[message]` above the definition of what is in it, and return errors that are messages, `std::io::Error` or `Box<dyn Error + Send + Sync>`",
    label = "cannot be sent back"
)]
pub trait Return<By>: Sized {
    /// Appends the result.
    fn pack(self, pack: &mut Pack);

    /// Takes it out again.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when the bytes are not such a result.
    fn unpack(unpack: &mut Unpack<'_>) -> Result<Self>;

    /// Packs what the function gave.
    ///
    /// # Errors
    /// None; a `Result` is what the generated code gives back.
    fn reply(self) -> Result<Reply> {
        let mut pack = Pack::new();
        self.pack(&mut pack);
        Ok(Reply(pack))
    }
}

/// By serde.
#[derive(Debug)]
pub struct BySerde;
/// A `Result` whose error is turned into a [`RemoteError`] and back.
#[derive(Debug)]
pub struct ByText;
/// Never: the task has no end of its own.
#[derive(Debug)]
pub struct ByNothing;

const NAME: &str = "result";

/// Takes out a result of which nothing else is known than that it travels by serde.
pub(crate) fn unpack_by_serde<T: DeserializeOwned + 'static>(unpack: &mut Unpack<'_>) -> Result<T> {
    unpack.take(NAME)
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Return<BySerde> for T {
    fn pack(self, pack: &mut Pack) {
        pack.put(&self, NAME);
    }

    fn unpack(unpack: &mut Unpack<'_>) -> Result<Self> {
        unpack_by_serde(unpack)
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> Return<ByText> for std::result::Result<T, E>
where
    T: Serialize + DeserializeOwned + 'static,
    E: Display + From<RemoteError> + 'static,
{
    fn pack(self, pack: &mut Pack) {
        match self {
            Ok(value) => {
                pack.put(&true, NAME);
                pack.put(&value, NAME);
            }
            Err(error) => {
                pack.put(&false, NAME);
                pack.put(RemoteError::of(&error).fields(), NAME);
            }
        }
    }

    fn unpack(unpack: &mut Unpack<'_>) -> Result<Self> {
        Ok(if unpack.take(NAME)? {
            Ok(unpack.take(NAME)?)
        } else {
            Err(RemoteError::from_fields(unpack.take(NAME)?).into())
        })
    }
}

#[diagnostic::do_not_recommend]
impl Return<ByNothing> for Infallible {
    fn pack(self, _pack: &mut Pack) {
        match self {}
    }

    fn unpack(_unpack: &mut Unpack<'_>) -> Result<Self> {
        Err(crate::Error::Decode {
            name: NAME.to_owned(),
            reason: "a function that never returns has returned".to_owned(),
        })
    }
}

/// A result on its way back.
#[derive(Debug)]
pub struct Reply(pub(crate) Pack);
