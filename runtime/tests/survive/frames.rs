//! Somebody starts the executable by hand, as a fork server or a child, and talks nonsense to it.

#![allow(unsafe_code, reason = "a socket that another process inherits, and what it has used")]

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    recv, sendmsg, socketpair,
};

use crate::Case;
use crate::support::{DEADLINE, Random, children, kill_pid, run};

pub(crate) const CASES: &[Case] =
    &[("nonsense_ends_a_server_or_a_child_that_somebody_else_has_started", || {
        run("nonsense", |_| ());
    })];
pub(crate) const VICTIMS: &[Case] = &[("nonsense", nonsense)];

const ROUNDS: u32 = 120;
/// What a process may have used that was told to take in exabytes, in KiB.
const ENOUGH: i64 = 128 * 1024;

/// This executable in the role (`s`erver or `p`rocess), and our end of its socket.
fn start(role: char) -> (std::process::Child, OwnedFd) {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .expect("a socket");
    let marker = format!("{:-<48}", format!("offspring!{role}{}", theirs.as_raw_fd()));
    let mut command = Command::new("/proc/self/exe");
    command.arg0(marker).args(std::env::args_os()).stderr(Stdio::null());
    let number = theirs.as_raw_fd();
    let keep = move || {
        // SAFETY: fcntl is async-signal-safe, and the number is open in the new process.
        let failed = unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
        if failed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: the closure does nothing but one async-signal-safe call.
    unsafe { command.pre_exec(keep) };
    (command.spawn().expect("a process more"), ours)
}

fn frame(random: &mut Random) -> Vec<u8> {
    let len = random.below(400) as usize;
    let mut body = random.bytes(len);
    // Small numbers are lengths and counts that make sense now and then.
    body.iter_mut().for_each(|byte| *byte %= if *byte & 1 == 0 { 4 } else { 255 });
    if random.below(4) == 0 {
        return body;
    }
    // Begin, Ask and Task, with a number for a body when it is Ask.
    let kind = [2, 4, 7, random.next() as u8][random.below(4) as usize];
    if kind == 4 {
        body = (random.next() as u32).to_ne_bytes().to_vec();
    }
    let claimed = if random.below(4) == 0 { random.next() << 20 } else { body.len() as u64 };
    let mut frame = b"ofs1".to_vec();
    frame.extend([kind, u8::from(random.below(4) == 0), 0, 0]);
    frame.extend(random.below(3).to_ne_bytes());
    frame.extend(claimed.to_ne_bytes());
    frame.extend(body);
    frame
}

fn talk(socket: &OwnedFd, random: &mut Random) {
    let null = std::fs::File::open("/dev/null").expect("/dev/null");
    let lent = [null.as_fd(), null.as_fd()];
    for _ in 0..=random.below(5) {
        let frame = frame(random);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&lent[..random.below(3) as usize]));
        // It may have had enough already.
        let _ = sendmsg(
            socket,
            &[IoSlice::new(&frame)],
            &mut control,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        );
    }
}

/// Its hello, so that what follows is not lost with a process that never began.
fn hear_hello(socket: &OwnedFd) {
    let mut hello = [0_u8; 64];
    let (len, _) = recv(socket, &mut hello[..], rustix::net::RecvFlags::empty()).expect("a hello");
    assert!(len > 24 && hello.starts_with(b"ofs1"));
}

/// Waits for its end and gives the most memory that it ever had, in KiB.
fn used(child: &std::process::Child) -> i64 {
    let start = Instant::now();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: the status is not wanted, and the usage is valid for the write.
        match unsafe {
            libc::wait4(child.id() as i32, std::ptr::null_mut(), libc::WNOHANG, usage.as_mut_ptr())
        } {
            0 => assert!(start.elapsed() < DEADLINE, "it hangs"),
            // SAFETY: zeroed is a valid usage, and the kernel has filled it in.
            pid if pid > 0 => return unsafe { usage.assume_init() }.ru_maxrss,
            _ => panic!(
                "{}",
                Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
            ),
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn nonsense() {
    let mut random = Random::new("frames");
    let mut most = 0;
    for round in 0..ROUNDS {
        let (child, socket) = start(if round % 2 == 0 { 's' } else { 'p' });
        hear_hello(&socket);
        talk(&socket, &mut random);
        drop(socket);
        most = most.max(used(&child));
        reap_children_of_the_server();
    }
    eprintln!(
        "frames: {ROUNDS} servers and children talked nonsense to; the largest grew to {most} KiB"
    );
    assert!(most < ENOUGH);
}

/// A server that is asked for children has them, on behalf of this process.
fn reap_children_of_the_server() {
    let start = Instant::now();
    while !children().is_empty() {
        if start.elapsed() > DEADLINE {
            children().into_iter().for_each(|child| kill_pid(child.pid));
            panic!("its children outlive it");
        }
        // SAFETY: this program has no children that anybody else waits for.
        unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    }
}
