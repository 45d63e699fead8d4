//! A child that writes whatever it likes where its result belongs.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use offspring::{JoinError, process};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg, sockopt};

use crate::support::{Random, assert_only_helpers_remain, memory, open_descriptors};

/// What the parent may need for bytes that claim to be much longer, in KiB.
const ENOUGH: u64 = 64 * 1024;
const ROUNDS: u64 = 300;

/// The child's own way home: its only message socket.
fn way_home() -> Option<OwnedFd> {
    let names = std::fs::read_dir("/proc/self/fd").ok()?.flatten();
    let numbers = names.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(duplicate).find(|socket| {
        sockopt::socket_type(socket).is_ok_and(|kind| kind == rustix::net::SocketType::SEQPACKET)
    })
}

#[allow(unsafe_code, reason = "a descriptor by its number")]
fn duplicate(number: i32) -> Option<OwnedFd> {
    // SAFETY: only duplicated; a number that is not open any more is an error.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().ok()
}

/// A packet that is nothing, or looks like a frame in everything but what it claims, or is one.
fn packet(random: &mut Random, descriptors: u64) -> Vec<u8> {
    let len = random.below(300) as usize;
    let mut body = random.bytes(len);
    if random.below(4) == 0 {
        return body;
    }
    if random.below(2) == 0 {
        // Small numbers are the lengths and variants of something that can be decoded.
        body.iter_mut().for_each(|byte| *byte %= 4);
    }
    let kind = if random.below(3) == 0 { random.next() as u8 } else { 8 + random.below(5) as u8 };
    let honest = random.below(2) == 0;
    let claims = [len as u64, 0, 1 << 40, u64::MAX];
    let claimed = claims[if honest { 0 } else { random.below(4) as usize }];
    let counts = [descriptors, 0, 1, 1 << 14, u64::MAX];
    let count = counts[if honest { 0 } else { random.below(5) as usize }];
    let in_memfd = !honest && random.below(2) == 0;
    let mut frame = b"ofs1".to_vec();
    frame.extend([kind, u8::from(in_memfd), 0, 0]);
    frame.extend(count.to_ne_bytes());
    frame.extend(claimed.to_ne_bytes());
    frame.extend(body);
    frame
}

/// A file that claims a terabyte and holds nothing.
fn sparse() -> rustix::io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("sparse", rustix::fs::MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&file, 1 << 40)?;
    Ok(file)
}

#[process]
fn lie(seed: u64) -> Vec<String> {
    let mut random = Random::from_seed(seed);
    let (Some(socket), Ok(sparse)) = (way_home(), sparse()) else { std::process::exit(99) };
    for _ in 0..random.below(5) {
        let count = random.below(3);
        let packet = packet(&mut random, count);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let lent = [sparse.as_fd(), socket.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&lent[..count as usize]));
        let _ = sendmsg(&socket, &[IoSlice::new(&packet)], &mut control, SendFlags::DONTWAIT);
    }
    vec!["the truth".to_owned()]
}

#[test]
fn lies_in_place_of_a_result_are_told_from_results() {
    let _turn = crate::turn();
    let mut random = Random::new("hostile");
    lie::spawn(1).unwrap().join().ok();
    let (memory_before, descriptors) = (memory("self", "VmRSS"), open_descriptors());
    let (mut truths, mut lost, mut taken) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let child = lie::spawn(random.next()).expect("a process more");
        assert!(child.wait().expect("a wait").success());
        match child.join() {
            Ok(value) if value == ["the truth"] => truths += 1,
            // A frame that is one in everything: whoever holds the socket speaks for the child.
            Ok(_) | Err(JoinError::Panicked(_) | JoinError::TimedOut(_)) => taken += 1,
            Err(JoinError::Lost(_) | JoinError::NotStarted(_) | JoinError::Exited(0)) => lost += 1,
            Err(other) => panic!("{other}"),
        }
    }
    eprintln!("hostile: {ROUNDS} liars: {lost} lost, {truths} true, {taken} taken for a result");
    assert!(lost > 0 && truths > 0);
    assert_eq!(open_descriptors(), descriptors);
    let most = memory("self", "VmHWM");
    assert!(most < memory_before + ENOUGH, "{memory_before} KiB grew to {most} KiB");
    assert_only_helpers_remain();
}
