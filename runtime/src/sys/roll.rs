//! Who else holds an object: the kernel keeps the roll, by a lock of each open file description (fcntl(2), `F_OFD_SETLK`).
//!
//! Such a lock belongs to the description and goes with its last descriptor, wherever that is: in a process, however it ends, or
//! on its way in a socket. So whoever signs here is known to the others until nobody can reach the object through it any more.

use std::io;
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// A roll is one byte of the file, which need not exist.
fn entry(kind: libc::c_int, byte: u64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: byte.cast_signed(),
        l_len: 1,
        l_pid: 0,
    }
}

/// Puts this open file description on the roll of its object.
pub(crate) fn sign(fd: impl AsFd) -> io::Result<()> {
    sign_at(fd, 0)
}

/// The same, on one of several rolls of an object, each of which is a byte.
pub(crate) fn sign_at(fd: impl AsFd, byte: u64) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_OFD_SETLK(&entry(libc::F_RDLCK, byte)))?;
    Ok(())
}

/// Takes this open file description from the roll, wherever its descriptors are.
pub(crate) fn leave(fd: impl AsFd) -> io::Result<()> {
    strike_at(fd, 0)
}

/// The same on one of several rolls.
pub(crate) fn strike_at(fd: impl AsFd, byte: u64) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_OFD_SETLK(&entry(libc::F_UNLCK, byte)))?;
    Ok(())
}

/// Whether another open file description is on the roll.
pub(crate) fn has_others(fd: impl AsFd) -> io::Result<bool> {
    has_others_at(fd, 0)
}

/// The same for one of several rolls.
pub(crate) fn has_others_at(fd: impl AsFd, byte: u64) -> io::Result<bool> {
    // "Could I have it alone?" The kernel answers with somebody who is in the way.
    let mut asked = entry(libc::F_WRLCK, byte);
    fcntl(fd, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(i32::from(asked.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memfd;

    #[test]
    fn others_are_seen_until_their_last_descriptor_is_closed() {
        let mine = memfd::create("roll", 4096, 4096).unwrap();
        sign(&mine).unwrap();
        assert!(!has_others(&mine).unwrap());
        let other = memfd::reopen(mine.as_fd()).unwrap();
        assert!(!has_others(&mine).unwrap(), "not signed yet");
        sign(&other).unwrap();
        let copy = other.try_clone().unwrap();
        drop(other);
        assert!(has_others(&mine).unwrap() && has_others(&copy).unwrap());
        drop(copy);
        assert!(!has_others(&mine).unwrap());
    }
}
