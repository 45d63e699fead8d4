//! Why an item was not put or not taken: a type for each operation, with what could not be put inside.

use std::fmt;

use crate::Error;

/// Errors of putting: each variant has what could not be put, and `into_inner` gives it back.
macro_rules! put_error {
    ($(#[$attribute:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal => $general:ident,)* }) => {
        $(#[$attribute])*
        #[non_exhaustive]
        pub enum $name<T> {
            $($(#[$doc])* $variant(T),)*
            /// It could not be done, for a reason of the system or because the item cannot be sent.
            Failed(T, Error),
        }

        impl<T> $name<T> {
            /// What was to be put.
            pub fn into_inner(self) -> T {
                match self {
                    $(Self::$variant(item) |)* Self::Failed(item, _) => item,
                }
            }

            #[allow(dead_code, reason = "not all are turned into others")]
            pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> $name<U> {
                match self {
                    $(Self::$variant(item) => $name::$variant(change(item)),)*
                    Self::Failed(item, error) => $name::Failed(change(item), error),
                }
            }
        }

        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(_) => f.write_str($text),)*
                    Self::Failed(_, error) => error.fmt(f),
                }
            }
        }

        // By hand, because what comes back need not be printable.
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(_) => f.write_str(concat!(stringify!($variant), "(..)")),)*
                    Self::Failed(_, error) => write!(f, "Failed(.., {error})"),
                }
            }
        }

        impl<T> std::error::Error for $name<T> {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    $(Self::$variant(_) => None,)*
                    Self::Failed(_, error) => error.source(),
                }
            }
        }

        impl<T> From<$name<T>> for Error {
            fn from(error: $name<T>) -> Self {
                match error {
                    $($name::$variant(_) => Self::$general,)*
                    $name::Failed(_, error) => error,
                }
            }
        }
    };
}

/// Errors of taking.
macro_rules! get_error {
    ($(#[$attribute:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal => $general:ident,)* }) => {
        $(#[$attribute])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// It could not be done, for a reason of the system, or the item did not arrive.
            Failed(Error),
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)*
                    Self::Failed(error) => error.fmt(f),
                }
            }
        }

        impl std::error::Error for $name {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    $(Self::$variant => None,)*
                    Self::Failed(error) => error.source(),
                }
            }
        }

        impl From<Error> for $name {
            fn from(error: Error) -> Self {
                Self::Failed(error)
            }
        }

        impl From<$name> for Error {
            fn from(error: $name) -> Self {
                match error {
                    $($name::$variant => Self::$general,)*
                    $name::Failed(error) => error,
                }
            }
        }
    };
}

put_error! {
    /// Why [`Queue::put`](crate::Queue::put) did not put an item.
    PutError {
        /// The queue was closed.
        Closed => "the queue is closed" => Closed,
        /// The queue is full, and nobody is left who could ever take anything.
        PeerDied => "the queue is full, and nobody is left who could ever take anything" => PeerDied,
        /// A queue that grows has reached its maximum.
        Full => "the queue has grown to its maximum" => Full,
    }
}

put_error! {
    /// Why [`Queue::try_put`](crate::Queue::try_put) did not put an item.
    TryPutError {
        /// There is no room at this moment.
        Full => "the queue is full" => Full,
        /// The queue was closed.
        Closed => "the queue is closed" => Closed,
    }
}

put_error! {
    /// Why [`Queue::put_timeout`](crate::Queue::put_timeout) did not put an item.
    PutTimeoutError {
        /// There was no room in all this time.
        TimedOut => "the queue was full until time ran out" => TimedOut,
        /// The queue was closed.
        Closed => "the queue is closed" => Closed,
        /// The queue is full, and nobody is left who could ever take anything.
        PeerDied => "the queue is full, and nobody is left who could ever take anything" => PeerDied,
        /// A queue that grows has reached its maximum.
        Full => "the queue has grown to its maximum" => Full,
    }
}

get_error! {
    /// Why [`Queue::get`](crate::Queue::get) gave no item.
    GetError {
        /// The queue was closed, and all that was in it has been taken.
        Closed => "the queue is closed, and nothing is left in it" => Closed,
        /// The queue is empty, and nobody is left who could ever put anything.
        PeerDied => "the queue is empty, and nobody is left who could ever put anything" => PeerDied,
    }
}

get_error! {
    /// Why [`Queue::try_get`](crate::Queue::try_get) gave no item.
    TryGetError {
        /// There is nothing in it at this moment.
        Empty => "the queue is empty" => Empty,
        /// The queue was closed, and all that was in it has been taken.
        Closed => "the queue is closed, and nothing is left in it" => Closed,
    }
}

get_error! {
    /// Why [`Queue::get_timeout`](crate::Queue::get_timeout) gave no item.
    GetTimeoutError {
        /// Nothing came in all this time.
        TimedOut => "the queue was empty until time ran out" => TimedOut,
        /// The queue was closed, and all that was in it has been taken.
        Closed => "the queue is closed, and nothing is left in it" => Closed,
        /// The queue is empty, and nobody is left who could ever put anything.
        PeerDied => "the queue is empty, and nobody is left who could ever put anything" => PeerDied,
    }
}
