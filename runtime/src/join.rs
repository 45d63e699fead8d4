//! `join!`: several tasks at once, all their results.

/// Starts all the tasks, waits for all, and gives a tuple with one `Result` for each.
///
/// A task that fails does not keep the others from finishing. One that could not be started gives
/// [`JoinError::NotStarted`](crate::JoinError::NotStarted).
///
/// ```
/// use offspring::process;
///
/// #[process]
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
///
/// #[process]
/// fn shout(text: &str) -> String {
///     text.to_uppercase()
/// }
///
/// let (sum, loud) = offspring::join!(add::task(1, 2), shout::task("hello"));
/// assert_eq!((sum.unwrap(), loud.unwrap().as_str()), (3, "HELLO"));
/// ```
#[macro_export]
macro_rules! join {
    ($($task:expr),+ $(,)?) => {
        // A tuple is evaluated in order: all are started before the first is waited for.
        $crate::__private::Joined::joined(($($crate::__private::started($task),)+))
    };
}

use crate::{JoinError, Process, Task};

/// A process, or why there is none.
pub type Started<R> = Result<Process<R>, JoinError>;

/// Starts one task of `join!`.
///
/// # Errors
/// [`JoinError::NotStarted`].
pub fn started<R>(task: Task<R>) -> Started<R> {
    task.spawn().map_err(|error| JoinError::NotStarted(Box::new(error)))
}

/// A tuple of started tasks.
pub trait Joined {
    /// The tuple of their results.
    type Results;

    /// Waits for each.
    fn joined(self) -> Self::Results;
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        #[allow(non_snake_case, reason = "a variable is named after its type")]
        impl<$($name),+> Joined for ($(Started<$name>,)+) {
            type Results = ($(Result<$name, JoinError>,)+);

            fn joined(self) -> Self::Results {
                let ($($name,)+) = self;
                ($($name.and_then(Process::join),)+)
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}
