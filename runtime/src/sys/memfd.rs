//! Anonymous memory behind a descriptor: made, reserved in full, and sealed against ever changing its size.
//!
//! In a [`place`] it is a file instead, which cannot be sealed: that nobody makes it shorter is for the programs of
//! its user to see to, who alone may open it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::Resource;

use super::{place, standard};

/// What every object of ours is sealed with: its size is final, and so is this list.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// One reservation call covers at most this much, so that a storm of signals, each of which makes the
/// kernel undo the call that it interrupts, cannot keep a large reservation from ever finishing.
const PIECE: u64 = 64 << 20;

/// What the kernel, not the bytes, says about an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Its length in bytes.
    pub(crate) len: u64,
    /// How many bytes of it have memory reserved.
    pub(crate) reserved: u64,
}

/// Makes an object of `len` bytes, all of them zero and the first `reserved` of them reserved, of a size that is final.
pub(crate) fn create(name: &str, len: u64, reserved: u64) -> io::Result<OwnedFd> {
    if let Some(file) = place::file() {
        let file = file?;
        extend(&file, len, reserved)?;
        return Ok(file);
    }
    let fd = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let fd = standard::beyond(fd)?;
    extend(&fd, len, reserved)?;
    rustix::fs::fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// Makes a new object so long, and reserves the first `reserved` bytes of it.
pub(crate) fn extend(fd: &OwnedFd, len: u64, reserved: u64) -> io::Result<()> {
    within_limit(len)?;
    retry_on_intr(|| rustix::fs::ftruncate(fd, len))?;
    reserve(fd, 0, reserved)
}

/// Reserves memory for `len` bytes from `at` on, as far as there is none; what is there stays as it is.
pub(crate) fn reserve(fd: impl AsFd, mut at: u64, len: u64) -> io::Result<()> {
    let end = at.saturating_add(len);
    while at < end {
        let piece = PIECE.min(end - at);
        retry_on_intr(|| rustix::fs::fallocate(&fd, FallocateFlags::empty(), at, piece))?;
        at += piece;
    }
    Ok(())
}

/// Gives the memory of `len` bytes from `at` on back to the system; they read as zero from now on.
pub(crate) fn give_back(fd: impl AsFd, at: u64, len: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    retry_on_intr(|| rustix::fs::fallocate(&fd, flags, at, len))?;
    Ok(())
}

/// Another descriptor of the same object that shares no state with the first one: a lock belongs to one or the other.
pub(crate) fn reopen(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let fd =
        retry_on_intr(|| rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()))?;
    Ok(standard::beyond(fd)?)
}

/// Makes an object that holds `bytes`, which nobody can change any more.
pub(crate) fn of_bytes(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    within_limit(bytes.len() as u64)?;
    let fd = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let fd = standard::beyond(fd)?;
    write_all_at(&fd, bytes, 0)?;
    rustix::fs::fcntl_add_seals(&fd, SEALS.union(SealFlags::WRITE))?;
    Ok(fd)
}

/// Growing a file beyond this limit would raise SIGXFSZ rather than fail.
fn within_limit(len: u64) -> io::Result<()> {
    match rustix::process::getrlimit(Resource::Fsize).current {
        Some(limit) if len > limit => Err(Errno::FBIG.into()),
        _ => Ok(()),
    }
}

/// Whether `fd` is memory that nobody can change any more.
pub(crate) fn is_frozen(fd: BorrowedFd<'_>) -> bool {
    let seals = SEALS.union(SealFlags::WRITE);
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|set| set.contains(seals))
}

/// Appends `len` bytes from the beginning of `fd`, for which there is room; an object that ends earlier is an error.
pub(crate) fn append(fd: impl AsFd, len: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let end = into.len() + len;
    let mut at = 0;
    while into.len() < end {
        match retry_on_intr(|| rustix::io::pread(&fd, spare_capacity(into), at))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => at += n as u64,
        }
    }
    // There may have been room, and bytes, for more.
    into.truncate(end);
    Ok(())
}

/// Fills `room` from the beginning of `fd`, to the end of it: that is what `Ok` means.
pub(crate) fn fill(fd: impl AsFd, mut room: &mut [MaybeUninit<u8>]) -> io::Result<()> {
    let mut at = 0;
    while !room.is_empty() {
        let (read, left) = loop {
            match rustix::io::pread(&fd, &mut *room, at) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok((read, left)) => break (read.len(), left.len()),
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += read as u64;
        let end = room.len();
        room = &mut room[end - left..];
    }
    Ok(())
}

/// Whether `fd` is memory whose size nobody can change any more.
pub(crate) fn is_sealed(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SEALS))
}

/// How large `fd` is, and how much of that is reserved.
pub(crate) fn extent(fd: BorrowedFd<'_>) -> io::Result<Extent> {
    let stat = rustix::fs::fstat(fd)?;
    let len = u64::try_from(stat.st_size).unwrap_or(0);
    // `st_blocks` counts units of 512 bytes, whatever the size of a page.
    let reserved = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    Ok(Extent { len, reserved })
}

/// Which object `fd` is: equal for two descriptors of one object, and for no others that are open.
pub(crate) fn identity(fd: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::fstat(fd)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Fills `bytes` from offset `at`; an object that ends earlier is an error.
pub(crate) fn read_exact_at(fd: impl AsFd, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| rustix::io::pread(&fd, &mut *bytes, at))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

/// Writes all of `bytes` at offset `at`.
pub(crate) fn write_all_at(fd: impl AsFd, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| rustix::io::pwrite(&fd, bytes, at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}
