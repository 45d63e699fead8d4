//! `SharedMemory`: what it shares, what it refuses, and when its name goes.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use offspring::{Error, JoinError, NameError, SharedMemory, StartMethod, process};

use crate::support::{
    Case, Program, argument, assert_name, hear, open_descriptors, path_of, refusal, say, stay,
    unique,
};

pub(crate) const CASES: &[Case] = &[
    ("memory: programs that are not related share bytes", share),
    ("memory: two of one name are refused", double),
    ("memory: what cannot be a name is refused", invalid),
    ("memory: what is not there is missing", missing),
    ("memory: no bytes, and too many, are refused", sizes),
    ("memory: what others have put there is refused", not_ours),
    ("memory: it is open to its user alone", private),
    ("memory: other users get in nowhere", other_users),
    ("memory: unlink frees the name while handles go on", unlink),
    ("memory: unlink by name", unlink_by_name),
    ("memory: a handle sent to a child leads to the same bytes", sent),
    ("memory: a handle whose name is gone cannot be sent", sent_too_late),
    ("memory: no descriptor is left open", descriptors),
];

pub(crate) const PROGRAMS: &[Case] = &[("memory_user", user), ("memory_stranger", stranger)];

pub(crate) fn write(bytes: &[AtomicU8], text: &str) {
    assert!(text.len() <= bytes.len());
    bytes.iter().zip(text.bytes()).for_each(|(byte, new)| byte.store(new, SeqCst));
}

pub(crate) fn read(bytes: &[AtomicU8], len: usize) -> String {
    let text = bytes[..len].iter().map(|byte| byte.load(SeqCst)).collect();
    String::from_utf8(text).unwrap()
}

/// Reads and writes what it finds under the name.
fn user() {
    let memory = SharedMemory::open(&argument(0)).unwrap();
    assert!(!memory.is_owner());
    say(memory.len());
    say(read(memory.bytes(), 5));
    write(memory.bytes(), "HELLO");
    say("written");
    stay();
}

fn share() {
    let name = unique("share: ünïcödé\n");
    let memory = SharedMemory::create(&name, 100_000).unwrap();
    assert!(memory.is_owner() && memory.name() == name && memory.len() == 100_000);
    assert!(memory.bytes().iter().all(|byte| byte.load(SeqCst) == 0));
    write(memory.bytes(), "howdy");
    memory.bytes()[99_999].store(7, SeqCst);
    let user = Program::start("memory_user", &[&name]);
    user.expect("100000");
    user.expect("howdy");
    user.expect("written");
    assert_eq!(read(memory.bytes(), 5), "HELLO");
    user.end();
    let other = SharedMemory::open(&name).unwrap();
    assert!(other.ptr_eq(&memory) && memory.clone().ptr_eq(&memory));
    assert_eq!(other.bytes()[99_999].load(SeqCst), 7);
    drop(memory);
    assert_eq!(read(other.bytes(), 5), "HELLO");
    assert_name!(SharedMemory::open(&name), Missing);
}

fn double() {
    let name = unique("double");
    let first = SharedMemory::create(&name, 10).unwrap();
    assert_name!(SharedMemory::create(&name, 10), Taken);
    write(first.bytes(), "still mine");
    assert_eq!(read(SharedMemory::open(&name).unwrap().bytes(), 10), "still mine");
    drop(first);
    drop(SharedMemory::create(&name, 20).unwrap());
}

fn invalid() {
    type Refused = fn(&NameError) -> bool;
    let long = "n".repeat(201);
    let names: [(&str, Refused); 5] = [
        ("", |it| matches!(it, NameError::Empty)),
        (&long, |it| matches!(it, NameError::TooLong { max: 200, .. })),
        ("a/b", |it| matches!(it, NameError::Character { character: '/', .. })),
        ("../a", |it| matches!(it, NameError::Character { character: '/', .. })),
        ("a\0b", |it| matches!(it, NameError::Character { character: '\0', .. })),
    ];
    for (name, is_right) in names {
        let refusals = [
            refusal(SharedMemory::create(name, 1)),
            refusal(SharedMemory::open(name)),
            refusal(SharedMemory::unlink_name(name)),
        ];
        assert!(refusals.iter().all(is_right), "{refusals:?}");
    }
    let longest = format!("{:n<200}", unique("long"));
    assert_eq!(SharedMemory::create(&longest, 1).unwrap().name(), longest);
}

fn missing() {
    let name = unique("missing");
    assert_name!(SharedMemory::open(&name), Missing);
    assert_name!(SharedMemory::unlink_name(&name), Missing);
}

#[track_caller]
fn assert_no_memory(result: offspring::Result<SharedMemory>) {
    let Err(Error::System { source, .. }) = result else { panic!("{result:?}") };
    let code = source.raw_os_error();
    assert!([libc::ENOSPC, libc::ENOMEM].map(Some).contains(&code), "{source}");
}

fn sizes() {
    let name = unique("sizes");
    assert_name!(SharedMemory::create(&name, 0), NoBytes);
    for len in [usize::MAX, usize::MAX - 64, isize::MAX as usize, 1 << 50] {
        assert_no_memory(SharedMemory::create(&name, len));
    }
    // More than there is room for where it lies.
    let room = rustix::fs::statvfs("/dev/shm").unwrap();
    let free = room.f_bavail * room.f_frsize;
    if let Ok(len) = usize::try_from(free + (1 << 20))
        && free < 1 << 40
    {
        assert_no_memory(SharedMemory::create(&name, len));
    }
    for len in [1, 63, 64, 4032, 4033, 1 << 20] {
        let memory = SharedMemory::create(&name, len).unwrap();
        assert_eq!(memory.len(), len);
        memory.bytes()[len - 1].store(1, SeqCst);
        assert_eq!(memory.bytes().len(), len);
    }
}

fn not_ours() {
    let name = unique("not ours");
    let path = path_of("memory", &name);
    let refused = |what: &str| {
        for result in [SharedMemory::create(&name, 1), SharedMemory::open(&name)] {
            let refusal = refusal(result);
            assert!(matches!(refusal, NameError::NotOurs { .. }), "{what}: {refusal}");
        }
        assert!(path.symlink_metadata().is_ok(), "{what}: it was taken away");
    };
    for contents in [&b""[..], b"short", &[0; 8192]] {
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        refused("a file");
        fs::remove_file(&path).unwrap();
    }
    fs::create_dir(&path).unwrap();
    refused("a folder");
    fs::remove_dir(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    refused("a link");
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    refused("a pipe");
    fs::remove_file(&path).unwrap();
    let memory = SharedMemory::create(&name, 1).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused("one that others may open");
    drop(memory);
}

fn private() {
    let name = unique("private");
    // Whatever the mask says.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o777));
    let memory = SharedMemory::create(&name, 1);
    rustix::process::umask(before);
    let memory = memory.unwrap();
    let metadata = fs::metadata(path_of("memory", &name)).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    // It has its memory already.
    assert!(metadata.blocks() > 0);
    drop(memory);
}

/// Becomes nobody, tries to open a path, and takes another one.
fn stranger() {
    let nobody = nix::unistd::Uid::from_raw(65534);
    nix::unistd::setresuid(nobody, nobody, nobody).unwrap();
    let refused = File::options().read(true).write(true).open(argument(0)).unwrap_err();
    say(refused.kind());
    assert_name!(SharedMemory::open(&argument(2)), Missing);
    File::create_new(argument(1)).unwrap();
    say("there");
    hear();
    fs::remove_file(argument(1)).unwrap();
}

fn other_users() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not tested with another user: this one cannot become another");
        return;
    }
    let (mine, theirs) = (unique("mine"), unique("theirs"));
    let memory = SharedMemory::create(&mine, 1).unwrap();
    let paths = [&mine, &theirs].map(|name| path_of("memory", name).display().to_string());
    let stranger = Program::start("memory_stranger", &[&paths[0], &paths[1], &mine]);
    stranger.expect("permission denied");
    stranger.expect("there");
    for result in [SharedMemory::create(&theirs, 1), SharedMemory::open(&theirs)] {
        let refused = refusal(result);
        assert!(refused.to_string().contains("another user"), "{refused}");
    }
    stranger.end();
    drop(memory);
    drop(SharedMemory::create(&theirs, 1).unwrap());
}

fn unlink() {
    let name = unique("unlink");
    let first = SharedMemory::create(&name, 8).unwrap();
    let opened = SharedMemory::open(&name).unwrap();
    first.unlink().unwrap();
    assert_name!(SharedMemory::open(&name), Missing);
    assert_name!(first.unlink(), Missing);
    write(first.bytes(), "going on");
    assert_eq!(read(opened.bytes(), 8), "going on");

    let second = SharedMemory::create(&name, 16).unwrap();
    // The name is another one's now.
    assert_name!(first.unlink(), Missing);
    assert_name!(opened.unlink(), Missing);
    drop((first, opened));
    assert!(SharedMemory::open(&name).unwrap().ptr_eq(&second));
    // Whoever has it may take the name away.
    SharedMemory::open(&name).unwrap().unlink().unwrap();
    drop(second);
}

fn unlink_by_name() {
    let name = unique("unlink by name");
    let memory = SharedMemory::create(&name, 8).unwrap();
    SharedMemory::unlink_name(&name).unwrap();
    assert_name!(SharedMemory::unlink_name(&name), Missing);
    write(memory.bytes(), "on we go");
}

#[process]
fn shout(memory: &SharedMemory) -> String {
    assert!(!memory.is_owner());
    let heard = read(memory.bytes(), 5);
    write(memory.bytes(), &heard.to_uppercase());
    heard
}

fn sent() {
    let memory = SharedMemory::create(&unique("sent"), 5).unwrap();
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        write(memory.bytes(), "howdy");
        let child = shout::task(&memory).start_method(method).spawn().unwrap();
        assert_eq!(child.join().unwrap(), "howdy");
        assert_eq!(read(memory.bytes(), 5), "HOWDY");
    }
    drop(SharedMemory::open(memory.name()).unwrap());
}

fn sent_too_late() {
    let name = unique("sent too late");
    let memory = SharedMemory::create(&name, 5).unwrap();
    memory.unlink().unwrap();
    let other = SharedMemory::create(&name, 5).unwrap();
    let lost = shout::spawn(&memory).unwrap().join().unwrap_err();
    assert!(matches!(lost, JoinError::NotStarted(_)), "{lost}");
    assert!(lost.to_string().contains("there is nothing of the name"), "{lost}");
    drop(other);
}

fn descriptors() {
    let (name, before) = (unique("descriptors"), open_descriptors());
    for _ in 0..100 {
        let memory = SharedMemory::create(&name, 5).unwrap();
        let opened = SharedMemory::open(&name).unwrap();
        assert_name!(SharedMemory::create(&name, 5), Taken);
        drop((memory, opened));
        assert_name!(SharedMemory::open(&name), Missing);
    }
    assert_eq!(open_descriptors(), before);
}
