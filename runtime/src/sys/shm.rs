//! Files and folders in `/dev/shm`: memory that has a name.
//!
//! A file appears under its name as a whole (`O_TMPFILE`, then linkat(2)), a folder is renamed to its name. Nobody ever takes a
//! name away without having looked what it leads to, under a lock on that very file or folder (flock(2)): so what one process
//! finds dead, another one has not made anew in between.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::{Errno, Result, retry_on_intr};

use super::standard;

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS: i64 = 0x0102_1994;
/// What files of ours let others do: nothing.
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const FOLDER: Mode = Mode::RWXU;
/// How long somebody else may take to look after a name.
const GUARDED_WITHIN: Duration = Duration::from_secs(10);

/// Where all of it is. It may be a link, where a process's own list of files shows what that leads to.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new("/dev/shm");
        root.canonicalize().unwrap_or_else(|_| root.to_owned())
    })
}

/// The user that this process acts as.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// An entry of a folder, or of [`root`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    folder: BorrowedFd<'a>,
    name: &'a Path,
}

impl<'a> Entry<'a> {
    /// In a folder that is open.
    pub(crate) fn of(folder: &'a OwnedFd, name: &'a OsStr) -> Self {
        Self { folder: folder.as_fd(), name: Path::new(name) }
    }

    /// By its whole path.
    pub(crate) fn at(path: &'a Path) -> Self {
        Self { folder: CWD, name: path }
    }

    /// The file, unless it is a link.
    pub(crate) fn open(self) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.opened(flags, Mode::empty())
    }

    /// The folder.
    pub(crate) fn open_folder(self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.opened(flags, Mode::empty())
    }

    /// Makes a file, empty, that only this user may open. One of the name is an error.
    pub(crate) fn make_file(self) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        private(self.opened(flags, FILE)?, FILE)
    }

    /// Makes a folder, empty, that only this user may look into. One of the name is an error.
    pub(crate) fn make_folder(self) -> Result<OwnedFd> {
        rustix::fs::mkdirat(self.folder, self.name, FOLDER)?;
        // If that fails, it is empty and nobody's, and will be found so.
        rustix::fs::chmodat(self.folder, self.name, FOLDER, AtFlags::empty())?;
        self.open_folder()
    }

    fn opened(self, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let open = || rustix::fs::openat(self.folder, self.name, flags, mode);
        standard::beyond(retry_on_intr(open)?)
    }

    /// Gives a file that has no name this one. One that has it is an error.
    pub(crate) fn publish(self, file: &OwnedFd) -> Result<()> {
        let source = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, source, self.folder, self.name, AtFlags::SYMLINK_FOLLOW)
    }

    /// Gives what is here another name in the same folder. One that has it is an error.
    pub(crate) fn rename(self, to: &OsStr) -> Result<()> {
        let to = self.name.with_file_name(to);
        let flags = RenameFlags::NOREPLACE;
        rustix::fs::renameat_with(self.folder, self.name, self.folder, &to, flags)
    }

    /// What is here: device and inode.
    pub(crate) fn identity(self) -> Option<(u64, u64)> {
        let stat = rustix::fs::statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((stat.st_dev, stat.st_ino))
    }

    /// Takes the name away, whatever it leads to.
    pub(crate) fn unlink(self) -> Result<()> {
        rustix::fs::unlinkat(self.folder, self.name, AtFlags::empty())
    }

    /// Removes the folder, if it is empty.
    pub(crate) fn remove_folder(self) -> Result<()> {
        rustix::fs::unlinkat(self.folder, self.name, AtFlags::REMOVEDIR)
    }

    /// Does something to the name if it leads to this file or folder, and to nothing else at that moment; whether it did.
    pub(crate) fn if_it_leads_to(
        self,
        what: &OwnedFd,
        change: impl FnOnce(Self) -> Result<()>,
    ) -> io::Result<bool> {
        let _guard = Guard::of(what)?;
        let stat = rustix::fs::fstat(what)?;
        if self.identity() != Some((stat.st_dev, stat.st_ino)) {
            return Ok(false);
        }
        change(self)?;
        Ok(true)
    }
}

/// Makes a file without a name in this folder, that only this user may open.
pub(crate) fn unnamed(folder: Entry<'_>) -> Result<OwnedFd> {
    private(folder.opened(OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC, FILE)?, FILE)
}

/// Whatever the process's mask has left.
fn private(made: OwnedFd, mode: Mode) -> Result<OwnedFd> {
    rustix::fs::fchmod(&made, mode)?;
    Ok(made)
}

/// The names in a folder that is open.
pub(crate) fn names(folder: &OwnedFd) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    // Opened anew: a descriptor has one place in the list, wherever it is used.
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsString::from_vec(name.to_owned()));
        }
    }
    Ok(names)
}

/// Keeps others from changing whose a name is, until it is dropped or the process ends.
#[derive(Debug)]
struct Guard(OwnedFd);

impl Guard {
    fn of(what: &OwnedFd) -> io::Result<Self> {
        // A descriptor of its own, so that it guards against other threads, too.
        let own = Entry { folder: what.as_fd(), name: Path::new(".") };
        let own = match own.open_folder() {
            Err(Errno::NOTDIR) => super::memfd::reopen(what.as_fd())?,
            own => own?,
        };
        let start = Instant::now();
        loop {
            match rustix::fs::flock(&own, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK | Errno::INTR) if start.elapsed() < GUARDED_WITHIN => {
                    sleep(Duration::from_millis(1));
                }
                locked => return Ok(locked.map(|()| Self(own))?),
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Also if a copy of this process has the descriptor.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// Why something is not of this user's making; `None` if it is.
pub(crate) fn not_own(fd: &OwnedFd, kind: FileType) -> Option<&'static str> {
    let Ok(stat) = rustix::fs::fstat(fd) else { return Some("it cannot be looked at") };
    judge(&stat, kind)
}

fn judge(stat: &Stat, kind: FileType) -> Option<&'static str> {
    let mode = if kind == FileType::Directory { FOLDER } else { FILE };
    if stat.st_uid != user() {
        Some("it belongs to another user")
    } else if FileType::from_raw_mode(stat.st_mode) != kind {
        Some("it is something else")
    } else if Mode::from_raw_mode(stat.st_mode) != mode {
        Some("others may open it")
    } else {
        None
    }
}

/// Whether this is a file that a process of this user has made in [`root`], in something whose name begins with `prefix`.
/// Whether it has that name still is another question.
pub(crate) fn is_own_file(fd: BorrowedFd<'_>, prefix: &str) -> bool {
    let own = || {
        let stat = rustix::fs::fstat(fd).ok()?;
        let system = rustix::fs::fstatfs(fd).ok()?;
        let path = path_of(fd).ok()?;
        let relative = path.strip_prefix(root()).ok()?;
        let ours = relative.as_os_str().as_bytes().starts_with(prefix.as_bytes());
        let plain = judge(&stat, FileType::RegularFile).is_none();
        Some(ours && plain && system.f_type == TMPFS)
    };
    own() == Some(true)
}

/// Whether any name leads to it.
pub(crate) fn has_name(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| stat.st_nlink > 0)
}

/// The path under which it was opened; with something behind it if that is gone.
pub(crate) fn path_of(fd: BorrowedFd<'_>) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// As good as unique: so many letters and digits.
pub(crate) fn random_name() -> Result<String> {
    let mut bytes = [0; 8];
    let filled = retry_on_intr(|| {
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
    })?;
    if filled != bytes.len() {
        return Err(Errno::IO);
    }
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (PathBuf, OwnedFd) {
        let path = root().join(format!("offspring-test-{}", random_name().unwrap()));
        let folder = Entry::at(&path).make_folder().unwrap();
        (path, folder)
    }

    #[test]
    fn a_file_appears_as_a_whole_and_a_name_goes_only_from_what_it_leads_to() {
        let (path, folder) = folder();
        let entry = Entry::of(&folder, OsStr::new("it"));
        let one = unnamed(Entry::at(&path)).unwrap();
        assert!(entry.identity().is_none() && !has_name(one.as_fd()));
        entry.publish(&one).unwrap();
        assert!(has_name(one.as_fd()));
        let other = unnamed(Entry::at(&path)).unwrap();
        assert_eq!(entry.publish(&other), Err(Errno::EXIST));
        assert!(!entry.if_it_leads_to(&other, Entry::unlink).unwrap());
        assert!(entry.if_it_leads_to(&one, Entry::unlink).unwrap());
        assert!(!entry.if_it_leads_to(&one, Entry::unlink).unwrap());
        Entry::at(&path).remove_folder().unwrap();
        // Where a folder was, nothing appears any more.
        assert_eq!(entry.publish(&other), Err(Errno::NOENT));
        assert!(entry.make_file().is_err());
    }

    #[test]
    fn what_is_in_a_folder_of_ours_is_known_also_when_it_has_no_name_any_more() {
        let (path, folder) = folder();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let entry = Entry::of(&folder, OsStr::new("it"));
        let file = entry.make_file().unwrap();
        assert!(is_own_file(file.as_fd(), &name) && !is_own_file(file.as_fd(), "elsewhere"));
        assert_eq!(names(&folder).unwrap(), ["it"]);
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644)).unwrap();
        assert!(!is_own_file(file.as_fd(), &name));
        rustix::fs::fchmod(&file, FILE).unwrap();
        entry.unlink().unwrap();
        assert!(is_own_file(file.as_fd(), &name));
        Entry::at(&path).remove_folder().unwrap();
        assert!(is_own_file(file.as_fd(), &name));
        let memory = crate::sys::memfd::create("it", 4096, 4096).unwrap();
        rustix::fs::fchmod(&memory, FILE).unwrap();
        assert!(!is_own_file(memory.as_fd(), &name) && !is_own_file(memory.as_fd(), ""));
    }
}
