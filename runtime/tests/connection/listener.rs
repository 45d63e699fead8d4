//! Listeners and clients: CPython's `_TestListener` and `_TestListenerClient`, families of addresses, and who cleans up.

use std::convert::Infallible;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use offspring::{
    Client, Connection, Descriptor, Error, Event, Listener, RecvError, SendError, pipe, process,
};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

const KEY: &[u8] = b"the key";

/// An address of each family; the directory lives as long as the test.
fn addresses(directory: &Path) -> [String; 3] {
    let path = directory.join("socket").to_str().unwrap().to_owned();
    let name = format!("@offspring-test-{}-{}", std::process::id(), path.replace('/', "_"));
    [path, name[..name.len().min(100)].to_owned(), "127.0.0.1:0".to_owned()]
}

#[process]
fn say_hello(address: &str, key: &[u8], text: &str) {
    let connection = Client::connect::<String, Infallible>(address, key).unwrap();
    connection.send(text.to_owned()).unwrap();
}

/// Listens, says so, and never accepts.
#[process]
fn only_bind(address: &str, bound: &Event) {
    let _listener = Listener::bind(address, KEY).unwrap();
    bound.set();
    crate::support::sleep();
}

#[process]
fn echo_large(address: &str) {
    let connection = Client::connect::<Vec<u8>, Vec<u8>>(address, KEY).unwrap();
    while let Ok(bytes) = connection.recv() {
        connection.send(bytes).unwrap();
    }
}

#[process]
fn use_elsewhere(from: Connection<Infallible, Connection<u32, u32>>) {
    let connection = from.recv().unwrap();
    let number = connection.recv().unwrap();
    connection.send(number + 1).unwrap();
}

#[process]
fn send_large_for_ever(into: &Connection<Vec<u8>, Vec<u8>>) {
    while into.send(vec![3; 16 << 20]).is_ok() {}
}

under_each_method! {
    /// `test_listener_client`, `test_empty_authkey`, `test_abstract_socket`
    fn a_child_connects_and_says_hello_by_each_family() {
        let directory = tempfile::tempdir().unwrap();
        for address in addresses(directory.path()) {
            for key in [KEY, b""] {
                let listener = Listener::bind(&address, key).unwrap();
                let child = say_hello::spawn(listener.address(), key, "hello").unwrap();
                let connection = listener.accept::<Infallible, String>().unwrap();
                assert_eq!(connection.recv().unwrap(), "hello");
                assert!(matches!(connection.recv(), Err(RecvError::Eof)));
                child.join().unwrap();
            }
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    /// `test_issue14725`, `test_issue16955`
    fn what_was_sent_before_the_connection_was_closed_is_received() {
        let directory = tempfile::tempdir().unwrap();
        for address in addresses(directory.path()) {
            let listener = Listener::bind(&address, KEY).unwrap();
            let child = say_hello::spawn(listener.address(), KEY, "and good-bye").unwrap();
            // Nobody accepts yet: the client waits.
            until_asleep(child.pid());
            let connection = listener.accept::<Infallible, String>().unwrap();
            child.join().unwrap();
            assert!(connection.poll(DEADLINE).unwrap());
            assert_eq!(connection.recv().unwrap(), "and good-bye");
        }
    }

    fn large_messages_go_there_and_back_by_each_family() {
        let directory = tempfile::tempdir().unwrap();
        let large: Vec<u8> = (0..16 << 20).map(|i: u32| (i >> 9) as u8).collect();
        for address in addresses(directory.path()) {
            let listener = Listener::bind(&address, KEY).unwrap();
            let child = echo_large::spawn(listener.address()).unwrap();
            let connection = listener.accept::<Vec<u8>, Vec<u8>>().unwrap();
            for len in [0, 5, 100_000, large.len()] {
                connection.send(large[..len].to_vec()).unwrap();
                assert!(connection.recv().unwrap() == large[..len]);
            }
            drop(connection);
            child.join().unwrap();
        }
    }

    /// `_TestPicklingConnections` with a connection that a listener accepted.
    fn an_accepted_connection_is_used_by_another_process() {
        let directory = tempfile::tempdir().unwrap();
        for address in addresses(directory.path()) {
            let listener = Listener::bind(&address, KEY).unwrap();
            let (send, recv) = pipe().unwrap();
            let child = use_elsewhere::spawn(recv).unwrap();
            let client = thread::spawn({
                let address = listener.address().to_owned();
                move || Client::connect::<u32, u32>(address, KEY).unwrap()
            });
            let accepted = listener.accept::<u32, u32>().unwrap();
            let client = client.join().unwrap();
            send.send(accepted).unwrap();
            client.send(41).unwrap();
            assert_eq!(client.recv().unwrap(), 42);
            assert!(matches!(client.recv(), Err(RecvError::Eof)));
            child.join().unwrap();
        }
    }

    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let [path, name, _] = addresses(directory.path());
        for address in [path.clone(), name] {
            let bound = Event::new().unwrap();
            let child = only_bind::spawn(&address, &bound).unwrap();
            bound.wait();
            let Err(Error::System { source, .. }) = Listener::bind(&address, KEY) else { panic!() };
            assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
            assert!(source.to_string().contains(&address), "{source}");
            kill(child);
            assert_eq!(Path::new(&path).exists(), address == path);
            let listener = Listener::bind(&address, KEY).unwrap();
            drop(listener);
            assert!(!Path::new(&path).exists());
        }
    }

    fn a_clients_wait_ends_when_the_listener_dies() {
        let directory = tempfile::tempdir().unwrap();
        for address in &addresses(directory.path())[..2] {
            let bound = Event::new().unwrap();
            let child = only_bind::spawn(address, &bound).unwrap();
            bound.wait();
            let (tell, told) = std::sync::mpsc::channel();
            let client = thread::spawn({
                let address = address.clone();
                move || {
                    tell.send(rustix::thread::gettid().as_raw_nonzero().get() as u32).unwrap();
                    Client::connect::<(), ()>(address, KEY)
                }
            });
            until_asleep(told.recv().unwrap());
            kill(child);
            let error = client.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::Authentication { .. }), "{error}");
        }
    }

    fn a_copy_of_the_process_does_not_remove_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let [path, ..] = addresses(directory.path());
        let listener = Listener::bind(&path, KEY).unwrap();
        kill(crate::support::sleep::spawn().unwrap());
        say_nothing::spawn().unwrap().join().unwrap();
        assert!(Path::new(&path).exists());
        let child = say_hello::spawn(&path, KEY, "still there").unwrap();
        let connection = listener.accept::<Infallible, String>().unwrap();
        assert_eq!(connection.recv().unwrap(), "still there");
        child.join().unwrap();
    }

    fn half_a_message_over_tcp_is_an_error_and_then_the_end() {
        let listener = Listener::bind("127.0.0.1:0", KEY).unwrap();
        let address = listener.address().to_owned();
        let client = thread::spawn(|| Client::connect::<Vec<u8>, Vec<u8>>(address, KEY).unwrap());
        let reader = listener.accept::<Vec<u8>, Vec<u8>>().unwrap();
        let writer = client.join().unwrap();
        let child = send_large_for_ever::spawn(&writer).unwrap();
        assert!(reader.poll(DEADLINE).unwrap());
        // The child is in the middle of the message, for nobody has received any of it.
        until_asleep(child.pid());
        kill(child);
        // Whoever has the same end cannot go on where it stopped.
        let SendError::Failed(_, Error::Garbled { .. }) = writer.send(Vec::new()).unwrap_err() else { panic!() };
        assert!(matches!(writer.send(Vec::new()), Err(SendError::Eof(_))));
        let error = reader.recv().unwrap_err();
        assert!(matches!(&error, RecvError::Failed(Error::Garbled { .. })), "{error}");
        assert!(matches!(reader.recv(), Err(RecvError::Eof)));
    }
}

#[process]
fn say_nothing() {}

/// `test_multiple_bind`, for each family.
#[test]
fn an_address_cannot_be_bound_twice() {
    let directory = tempfile::tempdir().unwrap();
    for address in addresses(directory.path()) {
        let listener = Listener::bind(&address, KEY).unwrap();
        for _ in 0..2 {
            assert!(matches!(Listener::bind(listener.address(), KEY), Err(Error::System { .. })));
        }
        let again = listener.address().to_owned();
        drop(listener);
        if !again.starts_with("127") {
            drop(Listener::bind(&again, KEY).unwrap());
        }
    }
}

#[test]
fn files_that_are_something_else_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    fs::write(&text, "precious").unwrap();
    Listener::bind(&text, KEY).unwrap_err();
    assert_eq!(fs::read_to_string(&text).unwrap(), "precious");

    // Another program's socket, alive: it does not even notice.
    let other = directory.path().join("other");
    let theirs = UnixListener::bind(&other).unwrap();
    theirs.set_nonblocking(true).unwrap();
    Listener::bind(&other, KEY).unwrap_err();
    assert!(theirs.accept().is_err() && other.exists());

    // Somebody has put another file in the place of ours meanwhile.
    let path = directory.path().join("ours");
    let listener = Listener::bind(&path, KEY).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "new").unwrap();
    drop(listener);
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");

    let long = directory.path().join("x".repeat(120));
    assert!(matches!(Listener::bind(&long, KEY), Err(Error::System { .. })));
    assert!(matches!(Client::connect::<(), ()>(&long, KEY), Err(Error::System { .. })));
}

#[test]
fn of_many_who_replace_a_stale_file_one_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    for _ in 0..30 {
        // What a listener that was killed leaves behind.
        drop(UnixListener::bind(&path).unwrap());
        let start = std::sync::Barrier::new(4);
        let listeners: Vec<_> = thread::scope(|scope| {
            let bind = || {
                start.wait();
                Listener::bind(&path, KEY)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(bind)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(listeners.iter().filter(|listener| listener.is_ok()).count(), 1);
        let client = thread::spawn({
            let path = path.clone();
            move || Client::connect::<u8, u8>(path, KEY).map(drop)
        });
        let listener = listeners.into_iter().find_map(Result::ok).unwrap();
        listener.accept::<u8, u8>().unwrap();
        client.join().unwrap().unwrap();
    }
}

#[test]
fn an_accept_without_clients_ends_in_time() {
    let listener = Listener::bind("127.0.0.1:0", KEY).unwrap();
    assert!(matches!(listener.accept_timeout::<(), ()>(A_WHILE), Err(Error::TimedOut)));
    // A thread that has the turn does not keep others longer than they want to wait.
    thread::scope(|scope| {
        scope.spawn(|| listener.accept::<(), ()>().unwrap_err());
        until(|| fs::read_dir("/proc/self/task").unwrap().count() > 1);
        assert!(matches!(listener.accept_timeout::<(), ()>(A_WHILE), Err(Error::TimedOut)));
        drop(std::net::TcpStream::connect(listener.address()).unwrap());
    });
}

#[test]
fn nobody_listens_there() {
    let directory = tempfile::tempdir().unwrap();
    for address in addresses(directory.path()) {
        let address = if address.ends_with(":0") {
            let free = std::net::TcpListener::bind(&address).unwrap();
            free.local_addr().unwrap().to_string()
        } else {
            address
        };
        let Err(Error::System { source, .. }) = Client::connect::<(), ()>(&address, KEY) else {
            panic!()
        };
        assert!(source.to_string().contains(&address), "{source}");
    }
    for nonsense in ["", "@", "host:", "a:b"] {
        assert!(Listener::bind(nonsense, KEY).is_err());
        assert!(Client::connect::<(), ()>(nonsense, KEY).is_err());
    }
}

/// Over local addresses handles travel; over TCP they are refused, the value comes back, and the connection goes on.
#[test]
fn handles_travel_as_far_as_descriptors_do() {
    type End<A, B> = Connection<A, B>;
    let directory = tempfile::tempdir().unwrap();
    for address in addresses(directory.path()) {
        let listener = Listener::bind(&address, KEY).unwrap();
        let to = listener.address().to_owned();
        let client = thread::spawn(move || {
            Client::connect::<Result<Descriptor, u8>, Infallible>(to, KEY).unwrap()
        });
        let server: End<Infallible, Result<Descriptor, u8>> = listener.accept().unwrap();
        let client = client.join().unwrap();
        let file = tempfile::tempfile().unwrap();
        let sent = client.send(Ok(OwnedFd::from(file).into()));
        if listener.address().starts_with("127") {
            let error = sent.unwrap_err();
            assert!(error.to_string().contains("over TCP"), "{error}");
            assert!(matches!(error, SendError::Failed(Ok(_), Error::Encode { .. })));
        } else {
            sent.unwrap();
            server.recv().unwrap().unwrap();
        }
        client.send(Err(5)).unwrap();
        assert_eq!(server.recv().unwrap().unwrap_err(), 5);
        assert!(server.as_fd().try_clone_to_owned().is_ok());
        assert!(server.recv_timeout(Duration::ZERO).is_err());
    }
}
