//! Attaching: only what this build made for this type is accepted, and everything else is an error that says why.

use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, SealFlags};

use super::Shared;
use crate::Error;

fn copy(fd: impl AsFd) -> OwnedFd {
    fd.as_fd().try_clone_to_owned().unwrap()
}

/// Memory with these bytes, sealed or not.
fn object(bytes: &[u8], seals: SealFlags) -> OwnedFd {
    let fd = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
    let mut file = File::from(fd.unwrap());
    file.write_all(bytes).unwrap();
    rustix::fs::fcntl_add_seals(&file, seals).unwrap();
    file.into()
}

fn sealed(bytes: &[u8]) -> OwnedFd {
    object(bytes, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
}

/// All bytes of the object behind a handle.
fn bytes_of<T: ?Sized>(shared: &Shared<T>) -> Vec<u8> {
    let len = crate::sys::memfd::extent(shared.descriptor().as_fd()).unwrap().len;
    let mut bytes = vec![0; usize::try_from(len).unwrap()];
    crate::sys::memfd::read_exact_at(shared.descriptor(), &mut bytes, 0).unwrap();
    bytes
}

fn reason<T>(result: crate::Result<T>) -> String {
    match result {
        Err(Error::Layout { reason, .. }) => reason,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn a_descriptor_leads_to_the_same_value() {
    let one = Shared::new(AtomicU32::new(1)).unwrap();
    let two = Shared::<AtomicU32>::from_descriptor(copy(one.descriptor())).unwrap();
    two.store(2, Relaxed);
    assert_eq!(one.load(Relaxed), 2);
    assert!(one.ptr_eq(&two));

    let words = Shared::from_fn(3, |i| i as u32).unwrap();
    let same = Shared::<[u32]>::from_descriptor(copy(words.descriptor())).unwrap();
    assert_eq!((same.len(), same[2]), (3, 2));
    let none = Shared::from_fn(0, |i| i).unwrap();
    assert!(Shared::<[usize]>::from_descriptor(copy(none.descriptor())).unwrap().is_empty());
}

#[test]
fn a_descriptor_outlives_its_first_handle() {
    let descriptor = copy(Shared::new([7_u8; 10_000]).unwrap().descriptor());
    let again = Shared::<[u8; 10_000]>::from_descriptor(descriptor).unwrap();
    assert!(again.iter().all(|byte| *byte == 7));
}

#[test]
fn descriptors_are_closed_on_exec() {
    let shared = Shared::new(1_u8).unwrap();
    let flags = rustix::io::fcntl_getfd(shared.descriptor()).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn another_type_is_refused() {
    let one = Shared::new(1_u32).unwrap();
    let attach = || copy(one.descriptor());
    assert!(reason(Shared::<i32>::from_descriptor(attach())).contains("another type"));
    assert!(reason(Shared::<u64>::from_descriptor(attach())).contains("another type"));
    assert!(reason(Shared::<[u32]>::from_descriptor(attach())).contains("another type"));
    let many = Shared::from_fn(1, |_| 1_u32).unwrap();
    let attached = Shared::<u32>::from_descriptor(copy(many.descriptor()));
    assert!(reason(attached).contains("another type"));
    let error = Shared::<i32>::from_descriptor(attach()).unwrap_err();
    assert!(error.to_string().starts_with("this shared memory cannot be used as `i32`"));
}

#[test]
fn what_is_not_sealed_memory_is_refused() {
    let good = bytes_of(&Shared::new(1_u32).unwrap());
    for seals in [SealFlags::empty(), SealFlags::GROW, SealFlags::SHRINK | SealFlags::GROW] {
        let attached = Shared::<u32>::from_descriptor(object(&good, seals));
        assert!(reason(attached).contains("sealed"));
    }
    let file = File::open("/proc/self/exe").unwrap();
    assert!(reason(Shared::<u32>::from_descriptor(file.into())).contains("sealed"));
    let (reader, _writer) = std::io::pipe().unwrap();
    assert!(reason(Shared::<u32>::from_descriptor(reader.into())).contains("sealed"));
}

#[test]
fn what_is_too_short_or_of_another_build_is_refused() {
    let good = bytes_of(&Shared::from_fn(100, |i| i).unwrap());
    let attach = |bytes: &[u8]| Shared::<[usize]>::from_descriptor(sealed(bytes));
    assert_eq!(attach(&good).unwrap()[99], 99);
    assert!(reason(attach(b"")).contains("too short"));
    assert!(reason(attach(&good[..40])).contains("too short"));
    assert!(reason(attach(&good[..good.len() - 1])).contains("do not fit"));
    let with = |word: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[word * 8..][..8].copy_from_slice(&value.to_ne_bytes());
        reason(attach(&bytes))
    };
    assert!(with(0, 5).contains("not made by offspring"));
    assert!(with(1, 99).contains("format"));
    assert!(with(2, !crate::sys::image::build_id()).contains("another build"));
    assert!(with(3, 0).contains("another type"));
    assert!(with(6, 101).contains("do not fit"));
    assert!(with(6, u64::MAX).contains("do not fit"));
    assert!(with(7, 0).contains("do not fit"));
}

#[test]
fn memory_with_holes_is_refused() {
    let good = bytes_of(&Shared::from_fn(10_000, |i| i).unwrap());
    let fd = rustix::fs::memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
    let mut file = File::from(fd);
    file.write_all(&good[..64]).unwrap();
    file.set_len(good.len() as u64).unwrap();
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
        .unwrap();
    assert!(reason(Shared::<[usize]>::from_descriptor(file.into())).contains("not reserved"));
}

#[test]
fn a_value_cannot_be_taken_for_several() {
    let mut bytes = bytes_of(&Shared::new(()).unwrap());
    bytes[6 * 8..][..8].copy_from_slice(&3_u64.to_ne_bytes());
    assert!(reason(Shared::<()>::from_descriptor(sealed(&bytes))).contains("3 values"));
}

#[test]
fn types_are_told_apart_even_if_their_layouts_are_not() {
    struct Metres;
    struct Feet;
    // What knows only names and fields sees no difference between these two.
    let one = Shared::new((1_u32, PhantomData::<Metres>)).unwrap();
    let attach = || copy(one.descriptor());
    assert!(Shared::<(u32, PhantomData<Metres>)>::from_descriptor(attach()).is_ok());
    let attached = Shared::<(u32, PhantomData<Feet>)>::from_descriptor(attach());
    assert!(reason(attached).contains("another type"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Shared::<u64>::from_descriptor(sealed(&bytes)).is_err());
        prop_assert!(Shared::<[u64]>::from_descriptor(sealed(&bytes)).is_err());
    }

    #[test]
    fn a_changed_header_is_refused(
        word in 0_usize..8,
        value in prop_oneof![any::<u64>(), 0_u64..100, Just(u64::MAX), Just(1 << 61)],
    ) {
        let good = bytes_of(&Shared::from_fn(9, |i| i as u64).unwrap());
        let mut bytes = good.clone();
        bytes[word * 8..][..8].copy_from_slice(&value.to_ne_bytes());
        let attached = Shared::<[u64]>::from_descriptor(sealed(&bytes));
        // Fewer elements than there are fit, and are what the header says; nothing else does.
        if word == 6 && value <= 9 {
            prop_assert_eq!(attached.unwrap().len() as u64, value);
        } else {
            prop_assert!(attached.is_err() || bytes == good);
        }
    }
}
