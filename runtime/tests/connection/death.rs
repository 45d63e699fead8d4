//! A peer killed with SIGKILL at any moment of a message: the other side gets all of it or the end, at once.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use offspring::{Connection, RecvError, SendError, pipe, process};

use crate::support::{kill, until_asleep};

const LARGE: usize = 16 << 20;

#[process]
fn send_for_ever(into: Connection<Vec<u8>, Infallible>, len: usize) {
    let mut byte = 0u8;
    while into.send(vec![byte; len]).is_ok() {
        byte = byte.wrapping_add(1);
    }
}

#[process]
fn receive_for_ever(from: Connection<Infallible, Vec<u8>>) {
    while from.recv().is_ok() {}
}

#[process]
fn hold(connection: Connection<Vec<u8>, Vec<u8>>) {
    let _connection = connection;
    crate::support::sleep();
}

#[process]
fn receive_one(from: &Connection<Infallible, Vec<u8>>) -> usize {
    from.recv().map_or(0, |bytes| bytes.len())
}

under_each_method! {
    fn a_sender_killed_in_the_middle_leaves_whole_messages_and_an_end() {
        for (round, len) in [(1, LARGE), (3, LARGE), (10, LARGE), (1, 100), (2, 40_000)] {
            let (mine, theirs) = pipe::<Infallible, Vec<u8>>().unwrap();
            let child = send_for_ever::spawn(theirs, len).unwrap();
            let mut byte = 0u8;
            let check = |bytes: Vec<u8>, byte: u8| {
                assert!(bytes.len() == len && bytes.iter().all(|&one| one == byte));
            };
            check(mine.recv().unwrap(), byte);
            // In the middle of another one by now.
            thread::sleep(Duration::from_millis(round));
            kill(child);
            loop {
                byte = byte.wrapping_add(1);
                match mine.recv() {
                    Ok(bytes) => check(bytes, byte),
                    Err(RecvError::Eof) => break,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    fn a_receiver_killed_in_the_middle_ends_the_sender() {
        for (round, len) in [(1, LARGE), (3, LARGE), (10, LARGE), (1, 100)] {
            let (mine, theirs) = pipe::<Vec<u8>, Infallible>().unwrap();
            let child = receive_for_ever::spawn(theirs).unwrap();
            let sender = thread::spawn(move || {
                loop {
                    if let Err(error) = mine.send(vec![1; len]) {
                        return error;
                    }
                }
            });
            thread::sleep(Duration::from_millis(round));
            kill(child);
            let SendError::Eof(back) = sender.join().unwrap() else { panic!("another error") };
            assert_eq!(back.len(), len);
        }
    }

    fn a_sender_that_waits_is_told_when_its_receiver_dies() {
        for len in [100, 300_000] {
            let (mine, theirs) = pipe().unwrap();
            let child = hold::spawn(theirs).unwrap();
            let (tell, told) = std::sync::mpsc::channel();
            let sender = thread::spawn(move || {
                tell.send(rustix::thread::gettid().as_raw_nonzero().get() as u32).unwrap();
                loop {
                    if let Err(error) = mine.send(vec![2; len]) {
                        return error;
                    }
                }
            });
            until_asleep(told.recv().unwrap());
            kill(child);
            assert!(matches!(sender.join().unwrap(), SendError::Eof(_)));
        }
    }

    fn a_receiver_that_waits_is_told_when_its_sender_dies() {
        let (mine, theirs) = pipe::<Vec<u8>, Vec<u8>>().unwrap();
        let child = hold::spawn(theirs).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let receiver = thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get() as u32).unwrap();
            mine.recv()
        });
        until_asleep(told.recv().unwrap());
        kill(child);
        assert!(matches!(receiver.join().unwrap(), Err(RecvError::Eof)));
    }

    fn a_message_sent_to_one_who_dies_is_left_to_others_at_that_end() {
        let (mine, theirs) = pipe::<Vec<u8>, Infallible>().unwrap();
        let first = receive_one::spawn(&theirs).unwrap();
        until_asleep(first.pid());
        kill(first);
        mine.send(vec![7; 1000]).unwrap();
        assert_eq!(theirs.recv().unwrap(), vec![7; 1000]);
    }
}
