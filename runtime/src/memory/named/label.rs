//! What stands at the beginning of a file that has an owner, and whether that one is alive.
//!
//! ```text
//! 0        8         16          24       32    40        48          56
//! | magic  | version | toolchain | length | pid | started | namespace | shared |
//! ```
//! It is written before the file has a name, and never changed. The owner is alive as long as somebody has the open file
//! description that it signed the file's roll with (`sys::roll`). A copy of the owner, made by somebody's own `fork`, has
//! that as well: so the label says which process it was. One that is `shared` belongs to all who have signed.

use std::os::fd::OwnedFd;

use rustix::fs::FileType;

use super::error::NameError;
use crate::memory::layout::toolchain;
use crate::sys::foreign::{self, Owner};
use crate::sys::{memfd, roll, shm};
use crate::{Error, Result};

const MAGIC: u64 = u64::from_le_bytes(*b"offsname");
const VERSION: u64 = 1;
const WORDS: usize = 8;
/// So much of a file is the label.
pub(crate) const BYTES: usize = WORDS * size_of::<u64>();

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    toolchain: u64,
    /// How many bytes follow.
    pub(crate) len: u64,
    owner: Owner,
    namespace: u64,
    shared: bool,
}

impl Label {
    /// For what this process makes now.
    pub(crate) fn new(len: u64, shared: bool) -> Result<Self> {
        let owner = foreign::own().map_err(Error::system("look at this process"))?;
        let namespace = foreign::namespace();
        Ok(Self { toolchain: toolchain(), len, owner, namespace, shared })
    }

    /// Writes it to a file that nobody else knows, which is on the roll from now on.
    pub(crate) fn write(self, file: &OwnedFd) -> Result<()> {
        let Owner { pid, started } = self.owner;
        let words = [
            MAGIC,
            VERSION,
            self.toolchain,
            self.len,
            pid.into(),
            started,
            self.namespace,
            self.shared.into(),
        ];
        let failed = || Error::system("write to shared memory");
        memfd::write_all_at(file, &words.map(u64::to_ne_bytes).concat(), 0).map_err(failed())?;
        roll::sign(file).map_err(failed())
    }

    /// The label of a file that was opened by the name `name`.
    pub(crate) fn read(file: &OwnedFd, name: &str) -> Result<Self, NameError> {
        if let Some(reason) = shm::not_own(file, FileType::RegularFile) {
            return Err(NameError::not_ours(name, reason));
        }
        let mut bytes = [0; BYTES];
        memfd::read_exact_at(file, &mut bytes, 0)
            .map_err(|_| NameError::not_ours(name, "it is too short"))?;
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        let [magic, version, toolchain, len, pid, started, namespace, shared] = words;
        if magic != MAGIC {
            return Err(NameError::not_ours(name, "it has no header of offspring's"));
        }
        let (VERSION, Ok(pid)) = (version, u32::try_from(pid)) else {
            return Err(NameError::OtherVersion { name: name.to_owned() });
        };
        let owner = Owner { pid, started };
        Ok(Self { toolchain, len, owner, namespace, shared: shared != 0 })
    }

    /// Whether the owner lives, or one of them; `file` is not on the roll itself.
    pub(crate) fn is_alive(&self, file: &OwnedFd) -> bool {
        // What cannot be asked may be alive.
        if !roll::has_others(file).unwrap_or(true) {
            return false;
        }
        let known = !self.shared && self.namespace != 0 && self.namespace == foreign::namespace();
        !(known && foreign::is_gone(self.owner))
    }

    /// The process that made it.
    pub(crate) fn pid(&self) -> u32 {
        self.owner.pid
    }

    /// Whether all who have signed own it.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether types lie in memory there as they do here.
    pub(crate) fn is_compatible(&self) -> bool {
        self.toolchain == toolchain()
    }
}
