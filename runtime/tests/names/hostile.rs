//! Files that are not what they should be: garbled, shortened, exchanged. Nobody but a program of the same user could do that.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use offspring::{Error, Manager, NameError, SharedMemory};

use crate::support::{Case, Random, assert_name, path_of, unique};

pub(crate) const CASES: &[Case] = &[
    ("hostile: a label of other bytes is refused or read", labels),
    ("hostile: a record of other bytes is refused or read", records),
    ("hostile: an object's memory of other bytes is refused or used", memories),
    ("hostile: an object whose memory is shorter, or gone, is refused", shortened),
    ("hostile: a program of another version is refused", versions),
];

pub(crate) const PROGRAMS: &[Case] = &[];

fn files_of(name: &str, first: char) -> Vec<PathBuf> {
    let files = fs::read_dir(path_of("manager", name)).unwrap();
    let begins = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(first);
    files.map(|file| file.unwrap().path()).filter(begins).collect()
}

/// Changes some bytes of the beginning, tries something, and puts them back.
fn with_other_bytes(path: &PathBuf, random: &mut Random, len: usize, mut check: impl FnMut()) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut before = vec![0; len];
    file.read_exact_at(&mut before, 0).unwrap();
    for _ in 0..300 {
        let mut bytes = before.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(len as u64) as usize;
            let value = [0, 0xff, bytes[at] ^ 1 << random.below(8), random.next() as u8];
            bytes[at] = value[random.below(4) as usize];
        }
        file.write_all_at(&bytes, 0).unwrap();
        check();
        file.write_all_at(&before, 0).unwrap();
    }
}

fn labels() {
    let (name, mut random) = (unique("labels"), Random::new("labels"));
    let memory = SharedMemory::create(&name, 64).unwrap();
    let path = path_of("memory", &name);
    // What is found dead by its label is taken away, whatever its name is.
    let kept = PathBuf::from(format!("/dev/shm/kept-{name}"));
    fs::hard_link(&path, &kept).unwrap();
    with_other_bytes(&path, &mut random, 64, || {
        match SharedMemory::open(&name) {
            Ok(opened) => assert!(opened.len() <= 4096, "{opened:?}"),
            Err(Error::Name(_)) => {}
            Err(other) => panic!("{other}"),
        }
        if !path.exists() {
            fs::hard_link(&kept, &path).unwrap();
        }
    });
    fs::remove_file(kept).unwrap();
    drop(memory);
}

fn records() {
    let (name, mut random) = (unique("records"), Random::new("records"));
    let manager = Manager::named(&name).unwrap();
    manager.joinable_queue::<u64>("it").unwrap();
    let path = files_of(&name, '=').remove(0);
    let len = fs::metadata(&path).unwrap().len() as usize;
    with_other_bytes(&path, &mut random, len, || {
        let _ = manager.names();
        match manager.joinable_queue::<u64>("it") {
            Ok(queue) => drop(queue.try_get()),
            Err(Error::Name(_) | Error::Decode { .. } | Error::System { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    });
    // A record that leads elsewhere removes nothing there.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(1).unwrap();
    assert_name!(manager.joinable_queue::<u64>("it"), NotOurs);
    assert_name!(manager.names(), NotOurs);
    file.set_len(2 << 20).unwrap();
    assert_name!(manager.joinable_queue::<u64>("it"), NotOurs);
}

fn memories() {
    let (name, mut random) = (unique("memories"), Random::new("memories"));
    let manager = Manager::named(&name).unwrap();
    manager.queue::<u64>("it").unwrap();
    let path = files_of(&name, '.').remove(0);
    with_other_bytes(&path, &mut random, 64, || match manager.queue::<u64>("it") {
        Ok(queue) => drop(queue.try_get()),
        Err(Error::Decode { .. }) => {}
        Err(other) => panic!("{other}"),
    });
    manager.queue::<u64>("it").unwrap().put(1).unwrap();
}

fn shortened() {
    let name = unique("shortened");
    let manager = Manager::named(&name).unwrap();
    drop(manager.lock("it").unwrap());
    let path = files_of(&name, '.').remove(0);
    let file = File::options().write(true).open(&path).unwrap();
    for len in [0, 63, 64] {
        file.set_len(len).unwrap();
        let refused = manager.lock("it").unwrap_err();
        assert!(matches!(refused, Error::Decode { .. }), "{refused}");
    }
    // Long enough, but without memory.
    file.set_len(0).unwrap();
    file.set_len(4096).unwrap();
    assert!(matches!(manager.lock("it"), Err(Error::Decode { .. })));
    fs::remove_file(&path).unwrap();
    // It cannot be had, and nobody waits for ever for it.
    assert!(matches!(manager.lock("it"), Err(Error::System { .. })));
    assert!(manager.remove("it").unwrap());
    manager.lock("it").unwrap();

    let memory = SharedMemory::create(&name, 10_000).unwrap();
    let file = File::options().write(true).open(path_of("memory", &name)).unwrap();
    file.set_len(5000).unwrap();
    let refused = SharedMemory::open(&name);
    assert!(matches!(refused, Err(Error::Name(NameError::NotOurs { .. }))), "{refused:?}");
    drop(memory);
}

fn versions() {
    let name = unique("versions");
    let manager = Manager::named(&name).unwrap();
    let path = path_of("manager", &name).join("owner");
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut word = [0; 8];
    file.read_exact_at(&mut word, 16).unwrap();
    file.write_all_at(&word.map(|byte| !byte), 16).unwrap();
    assert_name!(Manager::attach(&name), OtherVersion);
    file.write_all_at(&word, 16).unwrap();
    drop(Manager::attach(&name).unwrap());
    drop(manager);
}
