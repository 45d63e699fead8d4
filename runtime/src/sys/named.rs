//! Message sockets that others find by a name or by a file: unix(7) addresses.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result, retry_on_intr};
use rustix::net::sockopt::Timeout;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::standard;

/// As many as the kernel allows.
const BACKLOG: i32 = 4096;
/// How long somebody else may take to look after the socket files of a directory.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// The file of a socket that listens.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    /// Whose it is to remove: a copy of that process leaves it alone.
    owner: u32,
}

/// Listens under an abstract name, which is free again with the last descriptor.
pub(crate) fn listen_at_name(name: &OsStr) -> Result<OwnedFd> {
    let socket = new(SocketFlags::NONBLOCK)?;
    net::bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Listens at a file that is made for it, accessible to this user alone. The file of a listener that died is replaced.
pub(crate) fn listen_at_file(path: &Path) -> Result<(OwnedFd, SocketFile)> {
    let address = SocketAddrUnix::new(path)?;
    let socket = new(SocketFlags::NONBLOCK)?;
    // The file inherits it, so that it is never open to others.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    match net::bind(&socket, &address) {
        Err(Errno::ADDRINUSE) => {
            // Under the lock, or what one process finds dead another may have replaced before it is removed.
            let _lock = lock_directory(path)?;
            if is_abandoned(path, &address)? {
                rustix::fs::unlink(path)?;
            }
            net::bind(&socket, &address)?;
        }
        bound => bound?,
    }
    let stat = rustix::fs::lstat(path)?;
    let file = SocketFile {
        path: std::path::absolute(path).map_err(|_| Errno::NOENT)?,
        identity: (stat.st_dev, stat.st_ino),
        owner: super::own_pid(),
    };
    net::listen(&socket, BACKLOG)?;
    Ok((socket, file))
}

/// Connects to who listens under an abstract name.
pub(crate) fn connect_to_name(name: &OsStr, within: Duration) -> Result<OwnedFd> {
    connect(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, within)
}

/// Connects to who listens at a file.
pub(crate) fn connect_to_file(path: &Path, within: Duration) -> Result<OwnedFd> {
    connect(&SocketAddrUnix::new(path)?, within)
}

/// The next one who has connected; `None` when there is nobody at the moment.
pub(crate) fn accept(listener: &OwnedFd) -> Result<Option<OwnedFd>> {
    match retry_on_intr(|| net::accept_with(listener, SocketFlags::CLOEXEC)) {
        Ok(socket) => standard::beyond(socket).map(Some),
        Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn new(flags: SocketFlags) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | flags;
    standard::beyond(net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

fn connect(address: &SocketAddrUnix, within: Duration) -> Result<OwnedFd> {
    let socket = new(SocketFlags::empty())?;
    // Where too many are waiting to be accepted, connecting waits as sending does.
    net::sockopt::set_socket_timeout(&socket, Timeout::Send, Some(within))?;
    match retry_on_intr(|| net::connect(&socket, address)) {
        Err(Errno::AGAIN) => return Err(Errno::TIMEDOUT),
        connected => connected?,
    }
    net::sockopt::set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(socket)
}

/// Whether this is the file of a socket that nobody has any more. A socket that somebody has refuses a datagram socket as
/// the wrong kind, without a word to its owner.
fn is_abandoned(path: &Path, address: &SocketAddrUnix) -> Result<bool> {
    let Ok(stat) = rustix::fs::lstat(path) else { return Ok(false) };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Ok(false);
    }
    let flags = SocketFlags::CLOEXEC;
    let probe = net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    Ok(net::connect(&probe, address) == Err(Errno::CONNREFUSED))
}

/// Keeps other processes from replacing socket files in this directory, until it is dropped; or until the caller dies.
fn lock_directory(path: &Path) -> Result<OwnedFd> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(parent.unwrap_or(Path::new(".")), flags, Mode::empty())?;
    let start = Instant::now();
    loop {
        match rustix::fs::flock(directory.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) if start.elapsed() < LOCK_WITHIN => {
                sleep(Duration::from_millis(1));
            }
            locked => return locked.map(|()| directory),
        }
    }
}

/// Removes the file, if it is still the one that was made and this the process that made it. To be dropped before the
/// socket is closed: as long as that is open, nobody else takes the file's place.
impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_own = || {
            let stat = rustix::fs::lstat(&self.path).ok()?;
            Some((stat.st_dev, stat.st_ino) == self.identity)
        };
        if self.owner == super::own_pid() && is_own() == Some(true) {
            // It fails if somebody else was faster, which is as good.
            let _ = rustix::fs::unlink(&self.path);
        }
    }
}
