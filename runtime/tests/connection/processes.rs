//! Handles on processes that are sent to others than the parent.

use std::convert::Infallible;

use offspring::{Connection, Event, JoinError, Process, Signal, message, pipe, process};

use crate::support::{A_WHILE, DEADLINE, kill, own_children, until};

#[process]
fn answer(go_on: &Event) -> Vec<String> {
    go_on.wait();
    vec!["the answer".to_owned()]
}

#[process]
fn leave(code: i32) -> u32 {
    std::process::exit(code)
}

#[process]
fn fail() -> u32 {
    panic!("on purpose")
}

/// What somebody who is not the parent sees.
#[message]
#[derive(Debug, PartialEq)]
struct Seen {
    pid: u32,
    name: String,
    was_alive: bool,
    code: Option<i32>,
    signal: Option<i32>,
    result: Result<Vec<String>, String>,
}

fn joined<T>(process: Process<T>) -> Result<T, String> {
    process.join().map_err(|error| error.to_string())
}

#[process]
fn look_after(from: Connection<Infallible, (Process<Vec<String>>, Event)>) -> Seen {
    let (process, go_on) = from.recv().unwrap();
    let was_alive = process.is_alive() && process.wait_timeout(A_WHILE).unwrap().is_none();
    assert!(process::wait_any(&[&process], Some(A_WHILE)).unwrap().is_empty());
    go_on.set();
    let status = process.wait().unwrap();
    assert!(!process.is_alive() && process.exit_status() == Some(status));
    assert_eq!(process::wait_any(&[&process], None).unwrap(), [0]);
    Seen {
        pid: process.pid(),
        name: process.name().to_owned(),
        was_alive,
        code: status.code(),
        signal: status.signal().map(|signal| signal.number()),
        result: joined(process),
    }
}

#[process]
fn end_it(process: &Process<Vec<String>>) -> Seen {
    process.kill().unwrap();
    let status = process.wait().unwrap();
    // Nothing happens to a dead one.
    process.terminate().unwrap();
    Seen {
        pid: process.pid(),
        name: process.name().to_owned(),
        was_alive: false,
        code: status.code(),
        signal: status.signal().map(|signal| signal.number()),
        result: Err(format!("{process:?}")),
    }
}

#[process]
fn how_they_ended(processes: Vec<Process<u32>>) -> Vec<(Option<i32>, String)> {
    let look = |process: Process<u32>| {
        let status = process.wait().unwrap();
        (status.code(), joined(process).unwrap_err())
    };
    processes.into_iter().map(look).collect()
}

#[process]
fn send_back(process: Process<Vec<String>>) -> Process<Vec<String>> {
    process
}

under_each_method! {
    fn another_process_waits_and_has_the_result() {
        let (send, recv) = pipe().unwrap();
        let friend = look_after::spawn(recv).unwrap();
        let go_on = Event::new().unwrap();
        let child = answer::spawn(&go_on).unwrap();
        let pid = child.pid();
        send.send((child, go_on)).unwrap();
        let expected = Seen {
            pid,
            name: "answer-1".to_owned(),
            was_alive: true,
            code: Some(0),
            signal: None,
            result: Ok(vec!["the answer".to_owned()]),
        };
        assert_eq!(friend.join().unwrap(), expected);
        // The handle is gone; the child is reaped all the same.
        until(|| !own_children().contains(&pid));
    }

    fn another_process_ends_it_and_the_parent_sees_how() {
        let child = answer::spawn(&Event::new().unwrap()).unwrap();
        let seen = end_it::spawn(&child).unwrap().join().unwrap();
        assert_eq!((seen.pid, seen.signal, seen.code), (child.pid(), Some(9), None));
        assert!(seen.result.unwrap_err().contains("killed by SIGKILL"));
        assert!(matches!(child.join(), Err(JoinError::Signaled(Signal::SIGKILL))));
    }

    fn every_end_is_told_to_others_reaped_or_not() {
        let children = || vec![leave::spawn(3).unwrap(), fail::spawn().unwrap(), leave::spawn(0).unwrap()];
        let check = |ends: Vec<(Option<i32>, String)>| {
            let codes: Vec<_> = ends.iter().map(|end| end.0).collect();
            assert_eq!(codes, [Some(3), Some(101), Some(0)], "{ends:?}");
            assert!(ends[0].1.contains("exit code 3") && ends[1].1.contains("on purpose"), "{ends:?}");
        };
        // Sent away, and so reaped by nobody but the keeper.
        check(how_they_ended::spawn(children()).unwrap().join().unwrap());

        // Not reaped until the others have looked.
        let kept = children();
        let (tell, told) = pipe::<Vec<Process<u32>>, Infallible>().unwrap();
        tell.send(kept).unwrap();
        let kept = told.recv().unwrap();
        kept.iter().for_each(|one| assert!(one.wait().unwrap().code().is_some()));
        check(how_they_ended::spawn(kept).unwrap().join().unwrap());
    }

    fn the_parents_own_handle_comes_home() {
        let go_on = Event::new().unwrap();
        let child = answer::spawn(&go_on).unwrap();
        let pid = child.pid();
        let back = send_back::spawn(child).unwrap().join().unwrap();
        assert!(back.is_alive());
        go_on.set();
        assert_eq!(back.wait_timeout(DEADLINE).unwrap().unwrap().code(), Some(0));
        assert!(!own_children().contains(&pid), "the parent waits for its child by any handle");
        assert_eq!(back.join().unwrap(), ["the answer"]);
    }

    fn a_daemons_result_stays_with_its_parent_and_so_does_its_life() {
        let child = answer::task(&Event::new().unwrap()).daemon(true).spawn().unwrap();
        let end = end_it::spawn(&child).unwrap().join().unwrap();
        assert_eq!(end.signal, Some(9));

        let go_on = Event::new().unwrap();
        go_on.set();
        let child = answer::task(&go_on).daemon(true).spawn().unwrap();
        let error = join_it::spawn(child).unwrap().join().unwrap().unwrap_err();
        assert!(error.contains("went to the parent"), "{error}");

        // The daemon of one who is killed dies, also if somebody else has a handle on it.
        let (send, recv) = pipe::<Process<Vec<String>>, Infallible>().unwrap();
        let middle = start_daemon_and_stay::spawn(send).unwrap();
        let daemon = recv.recv().unwrap();
        assert!(daemon.is_alive() && daemon.is_daemon());
        kill(middle);
        // By the kernel, or by itself if it had not begun yet.
        assert!(daemon.wait_timeout(DEADLINE).unwrap().is_some());
    }

    fn a_grandchild_is_no_child_but_can_be_waited_for() {
        let go_on = Event::new().unwrap();
        let (send, recv) = pipe::<Process<Vec<String>>, Infallible>().unwrap();
        let middle = start_and_stay::spawn(send, &go_on).unwrap();
        let grandchild = recv.recv().unwrap();
        assert!(grandchild.is_alive() && !own_children().contains(&grandchild.pid()));
        assert!(!is_readable(&grandchild));
        go_on.set();
        assert!(grandchild.wait().unwrap().success());
        assert!(is_readable(&grandchild));
        assert_eq!(grandchild.join().unwrap(), ["the answer"]);
        middle.join().unwrap();
    }
}

#[process]
fn join_it(process: Process<Vec<String>>) -> Result<Vec<String>, String> {
    joined(process)
}

#[process]
fn start_daemon_and_stay(into: Connection<Process<Vec<String>>, Infallible>) {
    let daemon = answer::task(&Event::new().unwrap()).daemon(true).spawn().unwrap();
    into.send(daemon).unwrap();
    crate::support::sleep();
}

#[process]
fn start_and_stay(into: Connection<Process<Vec<String>>, Infallible>, go_on: &Event) {
    let child = answer::spawn(go_on).unwrap();
    into.send(child).unwrap();
    go_on.wait();
}

/// Any poll loop sees the end.
fn is_readable<T>(process: &Process<T>) -> bool {
    let mut one = [rustix::event::PollFd::new(process, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut one, Some(&Default::default())).unwrap() == 1
}
