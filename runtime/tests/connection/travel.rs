//! Handles of every kind on their way through a connection, connections themselves among them.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offspring::{
    Barrier, BoundedSemaphore, Condition, Connection, Descriptor, Error, Event, Lock, RLock,
    RecvError, Semaphore, Shared, message, pipe, process,
};

use crate::support::DEADLINE;

#[message]
struct Everything {
    number: Shared<AtomicU64>,
    row: Shared<[u32]>,
    locks: (Lock, RLock),
    semaphores: (Semaphore, BoundedSemaphore),
    event: Event,
    condition: Condition,
    barrier: Barrier,
    file: Descriptor,
    answer: Connection<u64, Infallible>,
}

#[process]
fn use_everything(from: Connection<Infallible, Everything>) {
    let all = from.recv().unwrap();
    all.number.fetch_add(u64::from(all.row[2]), Relaxed);
    let _held = (all.locks.0.lock().unwrap(), all.locks.1.lock().unwrap());
    all.semaphores.0.release();
    all.semaphores.1.acquire().forget();
    all.condition.notify_all();
    all.barrier.abort();
    std::fs::File::from(OwnedFd::from(all.file)).write_all(b"written").unwrap();
    all.event.set();
    all.answer.send(all.number.load(Relaxed)).unwrap();
}

/// `_TestPicklingConnections`: serves whatever connection it is sent.
#[process]
fn serve(from: Connection<Infallible, Connection<String, String>>) -> u32 {
    let mut served = 0;
    while let Ok(connection) = from.recv() {
        let request = connection.recv().unwrap();
        connection.send(request.to_uppercase()).unwrap();
        served += 1;
    }
    served
}

#[process]
fn serve_tcp(from: Connection<Infallible, Descriptor>) {
    let mut stream = TcpStream::from(OwnedFd::from(from.recv().unwrap()));
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    stream.write_all(text.to_uppercase().as_bytes()).unwrap();
}

type Ends = (Connection<Infallible, u32>, Connection<u32, Infallible>);

/// `test_access`: the two directions come apart.
#[process]
fn forward(ends: Connection<Infallible, Ends>) {
    let (from, into) = ends.recv().unwrap();
    while let Ok(number) = from.recv() {
        into.send(number * 2).unwrap();
    }
}

under_each_method! {
    fn handles_of_every_kind_arrive_and_work() {
        let (send, recv) = pipe::<Everything, Infallible>().unwrap();
        let child = use_everything::spawn(recv).unwrap();
        let (answer, result) = pipe().unwrap();
        let file = tempfile::tempfile().unwrap();
        let number = Shared::new(AtomicU64::new(40)).unwrap();
        let (semaphore, bounded) = (Semaphore::new(0).unwrap(), BoundedSemaphore::new(2).unwrap());
        let (event, barrier) = (Event::new().unwrap(), Barrier::new(2).unwrap());
        let all = Everything {
            number: number.clone(),
            row: Shared::from_fn(3, |i| i as u32).unwrap(),
            locks: (Lock::new().unwrap(), RLock::new().unwrap()),
            semaphores: (semaphore.clone(), bounded),
            event: event.clone(),
            condition: Condition::new().unwrap(),
            barrier: barrier.clone(),
            file: OwnedFd::from(file.try_clone().unwrap()).into(),
            answer,
        };
        send.send(all).unwrap();
        assert_eq!(result.recv().unwrap(), 42);
        child.join().unwrap();
        assert!(event.is_set() && barrier.is_broken());
        assert_eq!((semaphore.available(), number.load(Relaxed)), (1, 42));
        assert_eq!(crate::support::contents(file), "written");
        // The child had the only other end.
        assert!(matches!(result.recv(), Err(RecvError::Eof)));
    }

    fn connections_are_sent_through_connections() {
        let (send, recv) = pipe().unwrap();
        let child = serve::spawn(recv).unwrap();
        for word in ["latin", "greek"] {
            let (mine, theirs) = pipe::<String, String>().unwrap();
            send.send(theirs).unwrap();
            mine.send(word.to_owned()).unwrap();
            assert_eq!(mine.recv().unwrap(), word.to_uppercase());
            assert!(matches!(mine.recv(), Err(RecvError::Eof)));
        }
        drop(send);
        assert_eq!(child.join().unwrap(), 2);
    }

    fn a_tcp_socket_is_sent_through_a_connection() {
        let (send, recv) = pipe::<Descriptor, Infallible>().unwrap();
        let child = serve_tcp::spawn(recv).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        send.send(OwnedFd::from(theirs).into()).unwrap();
        client.write_all(b"hello").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HELLO");
        child.join().unwrap();
    }

    fn the_two_directions_may_go_to_one_place_apart() {
        let (send, recv) = pipe().unwrap();
        let child = forward::spawn(recv).unwrap();
        let ((writer, from), (into, reader)) = (pipe().unwrap(), pipe().unwrap());
        send.send((from, into)).unwrap();
        writer.send(21).unwrap();
        assert_eq!(reader.recv_timeout(DEADLINE).unwrap(), 42);
        drop(writer);
        assert!(matches!(reader.recv(), Err(RecvError::Eof)));
        child.join().unwrap();
    }
}

#[test]
fn a_connection_may_be_sent_through_itself() {
    let (a, b) = pipe::<Vec<Descriptor>, Infallible>().unwrap();
    let own = b.as_fd().try_clone_to_owned().unwrap();
    a.send(vec![own.into()]).unwrap();
    let back = b.recv().unwrap();
    drop(b);
    assert!(a.send(Vec::new()).is_ok(), "what was received is an end, too");
    drop(back);
    assert!(a.send(Vec::new()).is_err());
}

#[test]
fn hundreds_of_handles_travel_in_one_message() {
    let (a, b) = pipe::<(Vec<Shared<AtomicU64>>, Vec<u8>), Infallible>().unwrap();
    for (handles, bytes) in
        [(249, 0), (250, 0), (251, 0), (249, 199_999), (250, 199_999), (700, 199_999)]
    {
        let one = Shared::new(AtomicU64::new(0)).unwrap();
        a.send((vec![one.clone(); handles], vec![5; bytes])).unwrap();
        let (received, filling) = b.recv().unwrap();
        for handle in &received {
            handle.fetch_add(1, Relaxed);
        }
        assert_eq!((one.load(Relaxed), filling.len()), (handles as u64, bytes));
    }
}

/// Handles need the message that they are in.
#[test]
fn a_handle_alone_is_not_bytes() {
    let (a, b) = pipe::<Connection<(), ()>, Infallible>().unwrap();
    let (one, _other) = pipe::<(), ()>().unwrap();
    a.send(one).unwrap();
    assert!(matches!(b.recv_bytes(), Err(RecvError::Failed(Error::Garbled { .. }))));
}
