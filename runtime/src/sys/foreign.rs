//! Descriptors of another process, as long as that lives: pidfd_getfd(2), and `/proc/pid/fd`.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};

use super::{memfd, own_pid, pidfd, standard};

/// A descriptor, named so that another process can find it, and nothing else in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) number: i32,
    /// Device and inode of what is open there.
    pub(crate) identity: (u64, u64),
}

/// A process, told from a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// When it began, in ticks of the system's clock.
    pub(crate) started: u64,
}

/// This process.
pub(crate) fn own() -> io::Result<Owner> {
    let pid = own_pid();
    Ok(Owner { pid, started: started(pid)? })
}

/// Which numbers of processes mean the same: an inode (pid_namespaces(7)); 0 when that is not known.
pub(crate) fn namespace() -> u64 {
    rustix::fs::stat("/proc/self/ns/pid").map_or(0, |stat| stat.st_ino)
}

/// Whether another process has this number by now, or none has it. What cannot be seen may be there.
pub(crate) fn is_gone(owner: Owner) -> bool {
    match started(owner.pid) {
        Ok(started) => started != owner.started,
        // It may only be hidden.
        Err(_) => pidfd::exists(owner.pid) == Some(false),
    }
}

/// The name of a descriptor of this process.
pub(crate) fn name(descriptor: &OwnedFd) -> io::Result<Name> {
    let identity = memfd::identity(descriptor.as_fd())?;
    Ok(Name { number: descriptor.as_raw_fd(), identity })
}

/// A descriptor of this process's own for what `name` is in another one.
///
/// # Errors
/// `ESRCH` when that process has ended, `EBADF` when the descriptor is not what it was, `EPERM` when the system does not let
/// this process have what cannot be opened by name (a socket).
pub(crate) fn fetch(owner: Owner, name: Name) -> io::Result<OwnedFd> {
    // The handle first: what is found out after that is true of the process that it is a handle of.
    let handle = pidfd::open(owner.pid)?;
    if started(owner.pid).map_err(|_| Errno::SRCH)? != owner.started {
        return Err(Errno::SRCH.into());
    }
    let fetched = pidfd_getfd(&handle, name.number, PidfdGetfdFlags::empty());
    let fetched = match fetched {
        // Not everywhere may a process ask that of one that is not its child (Yama); what has a path can be opened anew.
        Err(Errno::PERM | Errno::NOSYS) => open_by_path(owner, name).map_err(|_| Errno::PERM)?,
        fetched => fetched?,
    };
    let fetched = standard::beyond(fetched)?;
    if memfd::identity(fetched.as_fd())? != name.identity {
        return Err(Errno::BADF.into());
    }
    Ok(fetched)
}

fn open_by_path(owner: Owner, name: Name) -> rustix::io::Result<OwnedFd> {
    let path = format!("/proc/{}/fd/{}", owner.pid, name.number);
    retry_on_intr(|| rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()))
}

/// When a process began: field 22 of `/proc/pid/stat` (proc_pid_stat(5)).
fn started(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in the second field may contain anything.
    let field = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    field.and_then(|field| field.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_fetched_by_its_name_and_nothing_else_is() {
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        let (one, other) = (OwnedFd::from(one), OwnedFd::from(other));
        let (me, name) = (own().unwrap(), name(&one).unwrap());
        let fetched = fetch(me, name).unwrap();
        assert_eq!(memfd::identity(fetched.as_fd()).unwrap(), name.identity);
        let wrong = Name { number: other.as_raw_fd(), ..name };
        assert!(fetch(me, wrong).is_err());
        let later = Owner { started: me.started + 1, ..me };
        let refused = fetch(later, name).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::SRCH.raw_os_error()));
    }
}
