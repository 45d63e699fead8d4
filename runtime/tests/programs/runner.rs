//! Starts this executable as one of its programs, and waits until nothing of it is left.

#![allow(unsafe_code, reason = "a program's signals are put in order")]

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, kill, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use offspring::{StartMethod, set_start_method};

/// Longer than any machine takes; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(60);

const PROGRAM: &str = "OFFSPRING_PROGRAM";
const METHOD: &str = "OFFSPRING_METHOD";

/// A program: its name, and a `main`.
pub(crate) type Program = (&'static str, fn() -> ExitCode);
/// A case: its name, and what it does under one start method.
pub(crate) type Case = (&'static str, fn(StartMethod));

/// Which program this process is to be, if any.
pub(crate) fn asked_for() -> Option<fn() -> ExitCode> {
    let name = std::env::var(PROGRAM).ok()?;
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        // SAFETY: SIG_DFL runs no code. A harness in the background of a shell ignores them.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.unwrap();
    }
    set_start_method(match std::env::var(METHOD).as_deref() {
        Ok("Fork") => StartMethod::Fork,
        Ok("Spawn") => StartMethod::Spawn,
        _ => StartMethod::ForkServer,
    });
    let programs = [crate::ends::PROGRAMS, crate::once::PROGRAMS, crate::streams::PROGRAMS];
    let found = programs.concat().into_iter().find(|(program, _)| *program == name);
    Some(found.unwrap_or_else(|| panic!("no program `{name}`")).1)
}

/// Each case, under each start method.
pub(crate) fn trials(cases: Vec<Case>) -> Vec<Trial> {
    // Whom a program leaves behind becomes our child, so that we see it end.
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let methods = [StartMethod::ForkServer, StartMethod::Fork, StartMethod::Spawn];
    cases
        .into_iter()
        .flat_map(|(name, body)| methods.map(|method| (name, body, method)))
        .map(|(name, body, method)| {
            Trial::test(format!("{name} ({method:?})"), move || {
                body(method);
                Ok(())
            })
        })
        .collect()
}

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
    /// How its orphans ended, those that it left alive included.
    pub(crate) orphans: Vec<WaitStatus>,
    /// Whom it left alive.
    pub(crate) survivors: usize,
}

impl Ended {
    /// It ended so, said nothing on standard error, and left nobody.
    #[track_caller]
    pub(crate) fn assert_clean(&self, code: i32, output: &str) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!((&*self.output, &*self.errors), (output, ""), "{self:#?}");
        assert_eq!(self.survivors, 0, "{self:#?}");
        assert!(self.orphans.is_empty(), "{self:#?}");
    }
}

/// A program that runs, in a process group of its own.
pub(crate) struct Running {
    child: Child,
    group: Pid,
    output: thread::JoinHandle<String>,
    errors: thread::JoinHandle<String>,
    lines: mpsc::Receiver<()>,
    /// Dropped when all is over, which calls the watchdog off.
    over: mpsc::Sender<()>,
}

/// How a program is started.
pub(crate) fn command(program: &str, method: StartMethod) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(PROGRAM, program).env(METHOD, format!("{method:?}")).process_group(0);
    command.env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a program and waits until all of its family has ended.
pub(crate) fn run(program: &str, method: StartMethod) -> Ended {
    start(command(program, method)).ended()
}

pub(crate) fn start(mut command: Command) -> Running {
    let mut child = command.spawn().unwrap();
    let group = Pid::from_raw(child.id() as i32);
    let (line, lines) = mpsc::channel();
    let output = collect(child.stdout.take().unwrap(), Some(line));
    let errors = collect(child.stderr.take().unwrap(), None);
    let (over, called_off) = mpsc::channel::<()>();
    thread::spawn(move || {
        if called_off.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("it never ends: killed");
            let _ = killpg(group, Signal::SIGKILL);
        }
    });
    Running { child, group, output, errors, lines, over }
}

/// Reads to the end, and tells of each line.
fn collect(
    mut from: impl std::io::Read + Send + 'static,
    lines: Option<mpsc::Sender<()>>,
) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut text, mut some) = (Vec::new(), [0; 4096]);
        while let Ok(len @ 1..) = from.read(&mut some) {
            text.extend_from_slice(&some[..len]);
            for _ in some[..len].iter().filter(|&&byte| byte == b'\n') {
                let _ = lines.as_ref().map(|lines| lines.send(()));
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

impl Running {
    /// Waits until it has printed one more line.
    pub(crate) fn line(&self) {
        self.lines.recv_timeout(DEADLINE).expect("a line of output");
    }

    /// Signals the program alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.group, signal).unwrap();
    }

    /// Signals its whole process group, as a terminal does.
    pub(crate) fn signal_all(&self, signal: Signal) {
        killpg(self.group, signal).unwrap();
    }

    /// Waits for its end, and for that of all whom it leaves.
    pub(crate) fn ended(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let survivors = living_in(self.group);
        let mut orphans = Vec::new();
        loop {
            match waitpid(Pid::from_raw(-self.group.as_raw()), None) {
                Ok(status) => orphans.push(status),
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        let (output, errors) = (self.output.join().unwrap(), self.errors.join().unwrap());
        drop(self.over);
        let (code, signal) = (status.code(), status.signal());
        Ended { code, signal, output, errors, orphans, survivors }
    }
}

/// How many processes of this group are no zombies.
fn living_in(group: Pid) -> usize {
    let alive = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        let of = fields.nth(1)?;
        (of == group.to_string() && !matches!(state, "Z" | "X")).then_some(())
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|it| it.ok()?.file_name().into_string().ok());
    all.filter(|name| alive(name).is_some()).count()
}

/// Waits until something has happened.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < DEADLINE, "it never happens");
        thread::sleep(Duration::from_millis(1));
    }
}
