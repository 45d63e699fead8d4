//! Clients and listeners that are not what they should be: without the key, silent, slow, talking nonsense, lying.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use offspring::{Client, Connection, Error, Listener, RecvError};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType};

use crate::support::{DEADLINE, open_descriptors};

const KEY: &str = "right";

fn listeners() -> [Listener; 2] {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("@offspring-strangers-{}-{number}", std::process::id());
    [Listener::bind(name, KEY).unwrap(), Listener::bind("127.0.0.1:0", KEY).unwrap()]
}

under_each_method! {
    /// Whatever comes and goes.
    fn no_descriptor_is_left_open() {
        let before = open_descriptors();
        for listener in listeners() {
            for nonsense in [&[0; 96][..], b"", b"GET"] {
                say(&stranger(listener.address()), nonsense);
                listener.accept::<u32, u32>().unwrap_err();
            }
            let silent = stranger(listener.address());
            thread::scope(|scope| {
                let client = good_client(scope, listener.address());
                serve(&listener.accept().unwrap());
                client.join().unwrap();
            });
            drop(silent);
        }
        let (a, b) = offspring::pipe::<Vec<offspring::Descriptor>, ()>().unwrap();
        for count in [1, 300] {
            let one = || std::os::fd::OwnedFd::from(tempfile::tempfile().unwrap()).into();
            a.send((0..count).map(|_| one()).collect()).unwrap();
            a.send((0..count).map(|_| one()).collect()).unwrap();
            b.recv().unwrap();
            b.recv_bytes().unwrap_err();
        }
        a.send(vec![std::os::fd::OwnedFd::from(tempfile::tempfile().unwrap()).into()]).unwrap();
        drop((a, b));
        assert_eq!(open_descriptors(), before);
    }
}

/// A raw socket to a listener.
fn stranger(address: &str) -> std::os::fd::OwnedFd {
    match address.strip_prefix('@') {
        Some(name) => {
            let socket =
                rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
            let address = SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
            rustix::net::connect(&socket, &address).unwrap();
            socket
        }
        None => TcpStream::connect(address).unwrap().into(),
    }
}

fn say(socket: &std::os::fd::OwnedFd, bytes: &[u8]) {
    // It may have been hung up on.
    let _ = rustix::net::send(socket, bytes, SendFlags::NOSIGNAL);
}

fn good_client<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    address: &'scope str,
) -> ScopedJoinHandle<'scope, ()> {
    scope.spawn(move || {
        let connection = Client::connect::<u32, u32>(address, KEY).unwrap();
        connection.send(1).unwrap();
        assert_eq!(connection.recv().unwrap(), 2);
    })
}

fn serve(connection: &Connection<u32, u32>) {
    assert_eq!(connection.recv().unwrap(), 1);
    connection.send(2).unwrap();
}

#[test]
fn a_wrong_key_is_refused_on_both_sides_and_the_next_client_comes_in() {
    for listener in listeners() {
        thread::scope(|scope| {
            for key in ["wrong", ""] {
                let address = listener.address();
                let client = scope.spawn(move || Client::connect::<u32, u32>(address, key));
                let refused = listener.accept::<u32, u32>().unwrap_err();
                assert!(matches!(refused, Error::Authentication { .. }), "{refused}");
                let refused = client.join().unwrap().unwrap_err();
                assert!(matches!(refused, Error::Authentication { .. }), "{refused}");
            }
            let client = good_client(scope, listener.address());
            serve(&listener.accept().unwrap());
            client.join().unwrap();
        });
    }
}

#[test]
fn a_client_with_other_types_is_told_and_so_is_the_listener() {
    for listener in listeners() {
        thread::scope(|scope| {
            let client = scope.spawn(|| Client::connect::<u32, String>(listener.address(), KEY));
            let error = listener.accept::<u32, u32>().unwrap_err();
            assert!(
                matches!(error, Error::OtherTypes { sends: "u32", receives: "u32" }),
                "{error}"
            );
            let error = client.join().unwrap().unwrap_err();
            assert!(error.to_string().contains("String"), "{error}");
        });
    }
}

/// `OtherTest`, `ChallengeResponseTest`: bogus answers. Nothing of what they send is taken for a message.
#[test]
fn nonsense_is_refused_and_does_not_stop_the_listener() {
    for listener in listeners() {
        for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 96], &[0xff; 96], &[1; 5000], b""] {
            let socket = stranger(listener.address());
            say(&socket, nonsense);
            drop(socket);
            let error = listener.accept::<u32, u32>().unwrap_err();
            assert!(matches!(error, Error::Authentication { .. }), "{error}");
        }
        thread::scope(|scope| {
            let client = good_client(scope, listener.address());
            serve(&listener.accept().unwrap());
            client.join().unwrap();
        });
    }
}

#[test]
fn silent_and_slow_clients_delay_nobody() {
    thread::scope(|scope| {
        for listener in listeners() {
            scope.spawn(move || delay_nobody(&listener));
        }
    });
}

fn delay_nobody(listener: &Listener) {
    let silent: Vec<_> = (0..5).map(|_| stranger(listener.address())).collect();
    let slow = stranger(listener.address());
    say(&slow, b"slowly");
    // A refusal in between would be one of theirs, waited for.
    thread::scope(|scope| {
        for _ in 0..3 {
            let client = good_client(scope, listener.address());
            serve(&listener.accept_timeout(DEADLINE).unwrap());
            client.join().unwrap();
            say(&slow, b".");
        }
    });
    // They are refused one by one, the slow one however busy it is.
    for _ in 0..6 {
        say(&slow, b".");
        let error = listener.accept_timeout::<u32, u32>(DEADLINE).unwrap_err();
        assert!(matches!(error, Error::Authentication { .. }), "{error}");
    }
    drop(silent);
    let none = listener.accept_timeout::<u32, u32>(Duration::ZERO);
    assert!(matches!(none, Err(Error::TimedOut)));
}

#[test]
fn more_silent_clients_than_are_heard_at_a_time_delay_others_no_longer_than_a_handshake() {
    let [listener, _] = listeners();
    let silent: Vec<_> = (0..70).map(|_| stranger(listener.address())).collect();
    thread::scope(|scope| {
        let client = good_client(scope, listener.address());
        let start = Instant::now();
        let connection = loop {
            match listener.accept() {
                Ok(connection) => break connection,
                Err(Error::Authentication { .. }) => assert!(start.elapsed() < DEADLINE),
                Err(other) => panic!("{other}"),
            }
        };
        serve(&connection);
        client.join().unwrap();
    });
    drop(silent);
}

/// A listener that does not know the key: it may send back what it hears, or anything.
#[test]
fn a_false_listener_is_found_out() {
    let false_ones: [fn(&mut TcpStream); 4] = [
        |stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2p1 and whatever comes then").unwrap(),
        |stream| {
            stream.write_all(b"ofslink1").unwrap();
            stream.write_all(&[7; 32]).unwrap();
            let mut answer = [0; 96];
            stream.read_exact(&mut answer).unwrap();
            stream.write_all(&[&[1], &answer[64..]].concat()).unwrap();
        },
        |stream| {
            stream.write_all(b"ofslink1").unwrap();
            stream.write_all(&[7; 32]).unwrap();
            stream.read_exact(&mut [0; 96]).unwrap();
            stream.write_all(&[1; 33]).unwrap();
        },
        |_| (),
    ];
    for behave in false_ones {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let client = thread::spawn(|| Client::connect::<u32, u32>(address, KEY));
        let (mut stream, _) = listener.accept().unwrap();
        behave(&mut stream);
        drop(stream);
        let error = client.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Authentication { .. }), "{error}");
    }
}

#[test]
fn a_silent_listener_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = thread::spawn(|| Client::connect::<u32, u32>(address, KEY));
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"ofslink1").unwrap();
    stream.write_all(&[7; 32]).unwrap();
    let error = client.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("says nothing"), "{error}");
}

/// Claims of a peer that has the key, and lies: nothing is allocated for them.
#[test]
fn a_false_length_over_tcp_is_not_believed() {
    let [_, listener] = listeners();
    thread::scope(|scope| {
        let client =
            scope.spawn(|| Client::connect::<u32, Vec<u8>>(listener.address(), KEY).unwrap());
        let server = listener.accept::<Vec<u8>, u32>().unwrap();
        let client = client.join().unwrap();
        let mut head = [0; 16];
        client.send_bytes(b"").unwrap();
        let (len, _) = rustix::net::recv(&server, &mut head, RecvFlags::WAITALL).unwrap();
        assert_eq!(len, 16);
        // A tebibyte.
        head[8..].copy_from_slice(&(1u64 << 40).to_le_bytes());
        rustix::net::send(&client, &head, SendFlags::NOSIGNAL).unwrap();
        rustix::net::send(&client, &[0; 1000], SendFlags::NOSIGNAL).unwrap();
        drop(client);
        let error = server.recv_bytes().unwrap_err();
        assert!(matches!(&error, RecvError::Failed(Error::Garbled { .. })), "{error}");
        assert!(matches!(server.recv_bytes(), Err(RecvError::Eof)));
    });
    let peak = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 4 << 20, "{peak} KiB");
}
