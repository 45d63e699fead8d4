//! Why a change was not made, small enough to be handed up in a register: it becomes an error of the operation where it leaves.

use rustix::io::Errno;

use crate::Error;
use crate::sync::raw::Refusal;
use crate::sync::{LockError, deadlock};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This thread is in the middle of a change of the same part already.
    Inside,
    /// Who is in there waits, by way of others perhaps, for this thread.
    Cycle,
    /// A collection has reached its maximum.
    Full,
    /// What is in shared memory is not what a collection's memory can be.
    Overwritten,
    /// There is no memory, or something else of the system.
    System(Errno),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Cycle => Self::Cycle,
            // Patience is endless.
            Refusal::Deadlock | Refusal::Busy => Self::Inside,
        }
    }
}

impl From<Fault> for Error {
    #[cold]
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Inside => Self::Lock(LockError::Deadlock),
            Fault::Cycle => {
                Self::Lock(deadlock::found().map_or(LockError::Deadlock, LockError::Cycle))
            }
            Fault::Full => Self::Full,
            Fault::Overwritten => {
                Self::Garbled { reason: "a collection's memory was overwritten".to_owned() }
            }
            Fault::System(errno) => Self::system("reserve memory for a collection")(errno),
        }
    }
}
