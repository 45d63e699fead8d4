//! Which processes have a handle of an object: the kernel keeps the roll (`sys::roll`), by a byte for each object.
//!
//! A process signs with one open file description of its own, so that the kernel strikes out all of its signatures when it dies. A handle on
//! its way in a message is a description of its own that has signed. A forked copy of a process has the original's description, and signs with
//! one of its own before it does anything else.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::io::Errno;

use super::block::Ref;
use crate::collections::fault::Fault;
use crate::sys::{memfd, roll};

/// The objects of one heap of which this process has handles.
#[derive(Debug)]
pub(crate) struct Holders(Arc<Mutex<Signed>>);

/// Those of this process that have signed anything.
static ALL: Mutex<Vec<Weak<Mutex<Signed>>>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Signed {
    descriptor: Arc<OwnedFd>,
    /// Which process signed: a forked copy signs for itself.
    process: u32,
    roll: Option<OwnedFd>,
    handles: HashMap<Ref, usize>,
}

/// The object's byte: behind all bytes that are there, of which 0 has a meaning of its own to others.
fn byte(object: Ref) -> u64 {
    (1 << 40) + u64::from(object.0)
}

fn failed(error: std::io::Error) -> Fault {
    Fault::System(Errno::from_io_error(&error).unwrap_or(Errno::NOMEM))
}

impl Holders {
    pub(crate) fn new(descriptor: Arc<OwnedFd>) -> Self {
        let signed = Signed { descriptor, process: 0, roll: None, handles: HashMap::new() };
        Self(Arc::new(Mutex::new(signed)))
    }

    fn signed(&self) -> MutexGuard<'_, Signed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One handle more. Something refers to the object, or a handle is there already, or nobody else knows it.
    pub(crate) fn take(&self, object: Ref) -> Result<(), Fault> {
        let mut signed = self.signed();
        let Signed { roll, handles, .. } = self.own(&mut signed)?;
        let count = handles.entry(object).or_insert(0);
        if *count == 0
            && let Some(roll) = roll
        {
            roll::sign_at(roll, byte(object)).map_err(failed)?;
        }
        *count += 1;
        Ok(())
    }

    /// One handle fewer; whether it was the last one of this process.
    pub(crate) fn leave(&self, object: Ref) -> bool {
        let mut signed = self.signed();
        let Ok(Signed { roll, handles, .. }) = self.own(&mut signed) else { return false };
        let Some(count) = handles.get_mut(&object) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        handles.remove(&object);
        if let Some(roll) = roll {
            // If that fails, the object stays until this process ends.
            let _ = roll::strike_at(roll, byte(object));
        }
        true
    }

    /// Whether any process has a handle, or one is on its way.
    pub(crate) fn has_any(&self, object: Ref) -> Result<bool, Fault> {
        let mut signed = self.signed();
        let Signed { roll, handles, .. } = self.own(&mut signed)?;
        if handles.contains_key(&object) {
            return Ok(true);
        }
        let Some(roll) = roll else { return Ok(true) };
        roll::has_others_at(roll, byte(object)).map_err(failed)
    }

    /// What another process is to be given: a descriptor that counts as a handle until nobody has it any more.
    pub(crate) fn hand_on(&self, object: Ref) -> std::io::Result<Arc<OwnedFd>> {
        let traveller = memfd::reopen(self.signed().descriptor.as_fd())?;
        roll::sign_at(&traveller, byte(object))?;
        Ok(Arc::new(traveller))
    }

    /// What this very process has signed.
    fn own<'a>(&self, signed: &'a mut Signed) -> Result<&'a mut Signed, Fault> {
        if signed.roll.is_none() {
            let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|other| other.strong_count() > 0);
            all.push(Arc::downgrade(&self.0));
        }
        signed.sign_as_own()?;
        Ok(signed)
    }
}

impl Signed {
    fn sign_as_own(&mut self) -> Result<(), Fault> {
        if self.process == process::id() {
            return Ok(());
        }
        let roll = memfd::reopen(self.descriptor.as_fd()).map_err(failed)?;
        for object in self.handles.keys() {
            roll::sign_at(&roll, byte(*object)).map_err(failed)?;
        }
        (self.process, self.roll) = (process::id(), Some(roll));
        Ok(())
    }
}

/// In a forked copy of a process: signs for all handles that came with it.
pub(crate) fn sign_for_copy() {
    let all = std::mem::take(&mut *ALL.lock().unwrap_or_else(PoisonError::into_inner));
    for signed in all.iter().filter_map(Weak::upgrade) {
        // Without a descriptor for it: the next use of a handle tries again.
        let _ = signed.lock().unwrap_or_else(PoisonError::into_inner).sign_as_own();
    }
    ALL.lock().unwrap_or_else(PoisonError::into_inner).extend(all);
}
