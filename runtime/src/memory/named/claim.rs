//! A name that this process owns: taken away when the claim is dropped, or when the process ends without having dropped it.
//!
//! It is a descriptor on the roll of the file (`label`). Nobody else's end, and no copy's, takes the name away; the death
//! of this process leaves it to whoever comes along.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::folder;
use crate::sys::shm::Entry;
use crate::sys::{clone, memfd, own_pid, roll, standard};

/// See the module.
#[derive(Debug)]
pub(crate) struct Claim {
    /// On the roll.
    file: Arc<OwnedFd>,
    /// Whose it is: a copy of that process has none.
    owner: u32,
    what: What,
    ended: AtomicBool,
}

/// What the name leads to.
#[derive(Debug)]
pub(crate) enum What {
    /// The file itself.
    File(PathBuf),
    /// A folder with the file in it.
    Folder { folder: Arc<OwnedFd>, path: PathBuf },
    /// The same, which is everybody's who has a claim: the last one takes it away.
    Shared { folder: Arc<OwnedFd>, path: PathBuf },
}

/// All of this process.
static CLAIMS: Mutex<Vec<Weak<Claim>>> = Mutex::new(Vec::new());

fn claims() -> MutexGuard<'static, Vec<Weak<Claim>>> {
    CLAIMS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claim {
    /// Of a file that is on the roll.
    pub(crate) fn new(file: Arc<OwnedFd>, what: What) -> Arc<Self> {
        static ARMED: AtomicBool = AtomicBool::new(false);
        if !ARMED.swap(true, Relaxed) {
            clone::at_exit(on_exit);
        }
        let claim = Self { file, owner: own_pid(), what, ended: AtomicBool::new(false) };
        let claim = Arc::new(claim);
        let mut claims = claims();
        claims.retain(|claim| claim.strong_count() > 0);
        claims.push(Arc::downgrade(&claim));
        claim
    }

    /// Whether it is this process's own, and not that of the one whose copy this is.
    pub(crate) fn is_own(&self) -> bool {
        self.owner == own_pid()
    }

    /// Takes the name away, if it is still this one's. What cannot be done now is left to others.
    fn end(&self) {
        if !self.is_own() || self.ended.swap(true, Relaxed) {
            return;
        }
        match &self.what {
            What::File(path) => {
                let _ = Entry::at(path).if_it_leads_to(&self.file, Entry::unlink);
            }
            What::Folder { folder, path } => {
                // First: whoever finds that there is no folder any more finds that it has no owner.
                let _ = roll::leave(&*self.file);
                folder::retire(folder, path);
            }
            What::Shared { folder, path } => {
                // First: of two who leave at the same time, the later one sees it.
                let _ = roll::leave(&*self.file);
                if !roll::has_others(&*self.file).unwrap_or(true) {
                    folder::retire(folder, path);
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.end();
    }
}

extern "C" fn on_exit() {
    let left: Vec<_> = claims().iter().filter_map(Weak::upgrade).collect();
    // Nothing may unwind into the C library.
    let _ = std::panic::catch_unwind(|| left.iter().for_each(|claim| claim.end()));
}

/// In a forked copy of this process: the names are the original's. The copy's descriptors lead to the same files, but are not on
/// their rolls.
pub(crate) fn let_go() {
    for claim in claims().drain(..).filter_map(|claim| claim.upgrade()) {
        if let Ok(own) = memfd::reopen(claim.file.as_fd()) {
            let _ = standard::overwrite(claim.file.as_fd(), own.as_fd());
        }
    }
}
