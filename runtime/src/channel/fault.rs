//! Why nothing was put or taken, small enough to be handed up in a register: it becomes an error of the operation where it leaves.

use rustix::io::Errno;

use crate::Error;
use crate::sync::LockError;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no room, and those who put wait for some.
    Full,
    /// There is no room, and nobody waits for more.
    Maximum,
    Closed,
    TimedOut,
    PeerDied,
    /// This thread is inside of the gate already.
    Inside,
    /// There is no place for one more job in progress.
    NoDesk,
    /// What is in shared memory is not what a queue's memory can be.
    Garbled(Where),
    /// The value was not the same each time that it was encoded.
    Unsteady,
    System(Action, Errno),
}

/// Where shared memory was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Beginning,
    End,
    Length,
    Text,
    Handles,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Map,
    Reserve,
    Take,
}

impl Fault {
    /// For want of memory for what is taken.
    pub(crate) fn no_memory() -> Self {
        Self::System(Action::Take, Errno::NOMEM)
    }
}

impl From<Fault> for Error {
    #[cold]
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full | Fault::Maximum => Self::Full,
            Fault::Closed => Self::Closed,
            Fault::TimedOut => Self::TimedOut,
            Fault::PeerDied => Self::PeerDied,
            Fault::NoDesk => Self::TooManyJobs,
            Fault::Inside => Self::Lock(LockError::Deadlock),
            Fault::Garbled(place) => {
                let place = match place {
                    Where::Beginning => "where it begins",
                    Where::End => "where it ends",
                    Where::Length => "in the length of an item",
                    Where::Text => "in a text",
                    Where::Handles => "in an item's list of handles",
                };
                Self::Garbled { reason: format!("a queue's memory was overwritten {place}") }
            }
            Fault::Unsteady => Self::Encode {
                name: "item".to_owned(),
                reason: "it has another length each time that it is encoded".to_owned(),
            },
            Fault::System(action, errno) => {
                let action = match action {
                    Action::Map => "map a queue's memory",
                    Action::Reserve => "reserve memory for a queue's items",
                    Action::Take => "take an item out of a queue",
                };
                Self::system(action)(errno)
            }
        }
    }
}
