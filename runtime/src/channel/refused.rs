//! From why nothing was put or taken to the error type of each operation.

use super::error::{
    GetError, GetTimeoutError, PutError, PutTimeoutError, TryGetError, TryPutError,
};
use super::fault::Fault;
use crate::Error;

/// Why not, inside of the gate or outside.
#[derive(Debug)]
pub(crate) enum Refused {
    Fault(Fault),
    Failed(Error),
}

impl From<Fault> for Refused {
    #[inline(always)]
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The same, with what was to be put.
#[derive(Debug)]
pub(crate) struct RefusedItem<T>(Refused, T);

impl Refused {
    /// With what was to be put.
    #[cold]
    pub(crate) fn with<T>(self, item: T) -> RefusedItem<T> {
        RefusedItem(self, item)
    }
}

impl<T> From<RefusedItem<T>> for PutError<T> {
    fn from(RefusedItem(refused, item): RefusedItem<T>) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed(item),
            Refused::Fault(Fault::PeerDied) => Self::PeerDied(item),
            Refused::Fault(Fault::Full | Fault::Maximum) => Self::Full(item),
            Refused::Fault(fault) => Self::Failed(item, fault.into()),
            Refused::Failed(error) => Self::Failed(item, error),
        }
    }
}

impl<T> From<RefusedItem<T>> for TryPutError<T> {
    fn from(RefusedItem(refused, item): RefusedItem<T>) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed(item),
            Refused::Fault(Fault::TimedOut | Fault::Full | Fault::Maximum) => Self::Full(item),
            Refused::Fault(fault) => Self::Failed(item, fault.into()),
            Refused::Failed(error) => Self::Failed(item, error),
        }
    }
}

impl<T> From<RefusedItem<T>> for PutTimeoutError<T> {
    fn from(RefusedItem(refused, item): RefusedItem<T>) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed(item),
            Refused::Fault(Fault::PeerDied) => Self::PeerDied(item),
            Refused::Fault(Fault::TimedOut) => Self::TimedOut(item),
            Refused::Fault(Fault::Full | Fault::Maximum) => Self::Full(item),
            Refused::Fault(fault) => Self::Failed(item, fault.into()),
            Refused::Failed(error) => Self::Failed(item, error),
        }
    }
}

impl From<Refused> for GetError {
    #[cold]
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed,
            Refused::Fault(Fault::PeerDied) => Self::PeerDied,
            Refused::Fault(fault) => Self::Failed(fault.into()),
            Refused::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<Refused> for TryGetError {
    #[cold]
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed,
            Refused::Fault(Fault::TimedOut) => Self::Empty,
            Refused::Fault(fault) => Self::Failed(fault.into()),
            Refused::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<Refused> for GetTimeoutError {
    #[cold]
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fault(Fault::Closed) => Self::Closed,
            Refused::Fault(Fault::PeerDied) => Self::PeerDied,
            Refused::Fault(Fault::TimedOut) => Self::TimedOut,
            Refused::Fault(fault) => Self::Failed(fault.into()),
            Refused::Failed(error) => Self::Failed(error),
        }
    }
}
