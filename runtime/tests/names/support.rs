//! What these tests share: programs to talk to, names that nobody else has, and looks into `/dev/shm`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use offspring::{Error, NameError, SharedMemory};

#[path = "../survive/support.rs"]
mod survive;

pub(crate) use survive::{
    DEADLINE, Random, assert_no_new_names, happens, kill_pid, names, open_descriptors, wait_until,
    wait_with_deadline,
};

pub(crate) type Case = (&'static str, fn());

const PROGRAM: &str = "OFFSPRING_NAMES_PROGRAM";

/// Which program this process is to be, if any.
pub(crate) fn asked_for() -> Option<String> {
    std::env::var(PROGRAM).ok()
}

/// The argument of this program that has this place.
pub(crate) fn argument(place: usize) -> String {
    std::env::args().nth(1 + place).expect("an argument")
}

/// Says a line to whoever has started this program.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("somebody listens");
    out.flush().expect("somebody listens");
}

/// The next line that was said to this program; `None` when nobody will say anything any more.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let len = std::io::stdin().read_line(&mut line).expect("text");
    (len > 0).then(|| line.trim_end().to_owned())
}

/// Sleeps until it is told to go on, or until nobody is there to tell.
pub(crate) fn stay() {
    hear();
}

/// A program that has nothing in common with this process but its executable.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_as(&std::env::current_exe().expect("a path"), name, arguments)
    }

    pub(crate) fn start_as(executable: &Path, name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(executable);
        command.env_clear().env(PROGRAM, name).arg0(name).args(arguments).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("a process more");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, input, lines: listen(output) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!("the program says nothing more: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// Says a line to it.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its end was not awaited yet");
        writeln!(input, "{line}").expect("it listens");
    }

    /// As [`end`](Self::end); it has something to say about how it went.
    #[track_caller]
    pub(crate) fn end_saying(mut self, line: &str) {
        self.input.take();
        self.expect(line);
        self.end();
    }

    /// Lets it come to its end, which must be a good one.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.input.take();
        let status = wait_with_deadline(&mut self.child);
        assert!(status.is_some_and(|status| status.success()), "it ends with {status:?}");
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(mut self) -> ExitStatus {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours")
    }
}

/// When a test fails in the middle.
impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Its lines, as they come: a pipe has no timeout.
fn listen(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A name that nobody else has.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{what}-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

/// Where something of this name would be.
pub(crate) fn path_of(kind: &str, name: &str) -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/dev/shm/offspring-{user}-{kind}-{name}"))
}

/// Has the names of the dead taken away.
pub(crate) fn sweep() {
    let nothing = SharedMemory::open("nothing has this name");
    assert!(matches!(nothing, Err(Error::Name(NameError::Missing { .. }))), "{nothing:?}");
}

/// What an operation was refused for, that has to do with its name.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: offspring::Result<T>) -> NameError {
    match result {
        Err(Error::Name(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// `assert_name!(operation, Variant)`: it is refused for this.
macro_rules! assert_name {
    ($result:expr, $($variant:tt)+) => {
        let refusal = $crate::support::refusal($result);
        assert!(matches!(refusal, offspring::NameError::$($variant)+ { .. }), "{refusal}");
    };
}

pub(crate) use assert_name;
