//! The arrays that this process has: one that comes back to it is the same one, with the same mapping, and the same knowledge of
//! what this process has for itself.

use std::any::Any;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::core::Core;
use crate::sys::memfd;
use crate::{Error, Result};

/// What the kernel calls an object.
type Identity = (u64, u64);

struct Table {
    all: Vec<(Identity, Weak<dyn Any + Send + Sync>)>,
    /// Those that are gone are thrown out when there are so many.
    sweep_at: usize,
}

static TABLE: Mutex<Table> = Mutex::new(Table { all: Vec::new(), sweep_at: 64 });

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn find<T: Send + 'static>(&self, identity: Identity) -> Option<Arc<Core<T>>> {
        // An object of the same identity that is not there any more, or has elements of another type, is not the same.
        let known = self.all.iter().filter(|(known, _)| *known == identity);
        known.filter_map(|(_, core)| core.upgrade()?.downcast().ok()).next()
    }
}

/// Which object it is.
pub(super) fn identity(fd: BorrowedFd<'_>) -> Result<Identity> {
    memfd::identity(fd).map_err(Error::system("look at shared memory"))
}

/// The array in this object, if this process has it.
pub(super) fn find<T: Send + 'static>(identity: Identity) -> Option<Arc<Core<T>>> {
    table().find(identity)
}

/// Notes an array; the one to be used if another thread was faster.
pub(super) fn enter<T: Send + 'static>(core: Arc<Core<T>>) -> Result<Arc<Core<T>>> {
    let identity = identity(core.descriptor().as_fd())?;
    let mut table = table();
    if let Some(known) = table.find(identity) {
        // Not while the table is locked: what is dropped may be the last of something.
        drop(table);
        return Ok(known);
    }
    if table.all.len() >= table.sweep_at {
        table.all.retain(|(_, core)| core.strong_count() > 0);
        table.sweep_at = 64.max(table.all.len() * 2);
    }
    let any: Arc<dyn Any + Send + Sync> = Arc::clone(&core) as _;
    table.all.push((identity, Arc::downgrade(&any)));
    Ok(core)
}
