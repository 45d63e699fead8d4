//! Ranges of an object that one open file description has for itself: the kernel's record locks (fcntl(2), `F_OFD_SETLK`).
//!
//! Such a lock belongs to the description and goes with its last descriptor, wherever that is: in a process, however it ends, or
//! on its way in a socket. What the numbers of a range mean, its users say; the object need not be so long.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::io::Errno;

/// `None` for a range in which there is nothing to lock: the kernel would take it for all up to the end of the world.
fn entry(kind: libc::c_int, range: &Range<usize>) -> io::Result<Option<libc::flock>> {
    let [start, end] = [range.start, range.end].map(i64::try_from);
    let (Ok(start), Ok(end)) = (start, end) else { return Err(Errno::INVAL.into()) };
    Ok((start < end).then(|| libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: end - start,
        l_pid: 0,
    }))
}

/// Takes a range for this open file description alone; false says that another one has some of it.
pub(crate) fn lock(fd: impl AsFd, range: &Range<usize>) -> io::Result<bool> {
    let Some(entry) = entry(libc::F_WRLCK, range)? else { return Ok(true) };
    match fcntl(fd, FcntlArg::F_OFD_SETLK(&entry)) {
        Ok(_) => Ok(true),
        Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives back what this open file description has of a range.
pub(crate) fn unlock(fd: impl AsFd, range: &Range<usize>) -> io::Result<()> {
    if let Some(entry) = entry(libc::F_UNLCK, range)? {
        fcntl(fd, FcntlArg::F_OFD_SETLK(&entry))?;
    }
    Ok(())
}

/// A part of the range that another open file description has, if there is one: not always the first.
pub(crate) fn taken(fd: impl AsFd, range: &Range<usize>) -> io::Result<Option<Range<usize>>> {
    let Some(mut entry) = entry(libc::F_WRLCK, range)? else { return Ok(None) };
    fcntl(fd, FcntlArg::F_OFD_GETLK(&mut entry))?;
    if i32::from(entry.l_type) == libc::F_UNLCK {
        return Ok(None);
    }
    // A length of 0 reaches to the end, and an end that is no number is beyond it.
    let start = usize::try_from(entry.l_start).unwrap_or(0);
    let end = match usize::try_from(entry.l_len) {
        Ok(len @ 1..) => start.saturating_add(len),
        _ => usize::MAX,
    };
    Ok(Some(start.max(range.start)..end.min(range.end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memfd;

    #[test]
    fn a_range_is_somebodys_until_the_last_descriptor_is_closed() {
        let looking = memfd::create("ranges", 4096, 4096).unwrap();
        let [one, two] = [(); 2].map(|()| memfd::reopen(looking.as_fd()).unwrap());
        assert!(lock(&one, &(10..20)).unwrap());
        assert!(lock(&one, &(10..20)).unwrap(), "it has it already");
        assert!(!lock(&two, &(19..30)).unwrap());
        assert!(lock(&two, &(20..30)).unwrap());
        assert!(lock(&two, &(15..15)).unwrap(), "nothing is always to be had");
        assert_eq!(taken(&looking, &(0..10)).unwrap(), None);
        assert_eq!(taken(&looking, &(12..15)).unwrap(), Some(12..15));
        assert_eq!(taken(&two, &(0..100)).unwrap(), Some(10..20));
        unlock(&one, &(13..15)).unwrap();
        assert_eq!(taken(&looking, &(13..15)).unwrap(), None);
        let copy = one.try_clone().unwrap();
        drop(one);
        assert!(!lock(&two, &(15..16)).unwrap());
        drop(copy);
        assert!(lock(&two, &(0..100)).unwrap());
        assert!(lock(&two, &(usize::MAX..usize::MAX)).is_err());
    }
}
