//! An example while it runs: its lines as they come, and its end.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than any example takes: reached only by one that hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// An example that runs.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<Line>,
    deadline: Instant,
    so_far: Output,
}

/// What an example has printed, and its exit code.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

enum Line {
    Out(String),
    Err(String),
}

/// The executable of an example.
fn executable(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has an executable");
    let built = test.ancestors().nth(2).expect("it lies in deps").join("examples").join(name);
    assert!(
        built.exists(),
        "{name} is not built: run `cargo build --examples`, or plain `cargo test`"
    );
    built
}

/// The example of this name, ready to be given arguments.
pub(crate) fn example(name: &str) -> Command {
    let mut command = Command::new(executable(name));
    command.stdin(Stdio::null());
    command
}

/// Runs an example without arguments, which is to succeed; gives the lines that it printed.
pub(crate) fn lines_of(name: &str) -> Vec<String> {
    let output = Program::start(&mut example(name)).finish();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(output.err.is_empty(), "{output:#?}");
    output.out
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (sender, lines) = channel();
        forward(child.stdout.take().expect("piped"), sender.clone(), Line::Out);
        forward(child.stderr.take().expect("piped"), sender, Line::Err);
        Self { child, lines, deadline: Instant::now() + DEADLINE, so_far: Output::default() }
    }

    /// Waits for a line on stderr that is `wanted`.
    pub(crate) fn wait_for_err(&mut self, wanted: impl Fn(&str) -> bool) {
        while !self.so_far.err.iter().any(|line| wanted(line)) {
            assert!(self.next_line(), "it ended without the line: {:#?}", self.so_far);
        }
    }

    /// Waits until the example and all that it started have ended.
    pub(crate) fn finish(mut self) -> Output {
        while self.next_line() {}
        let status = self.child.wait().expect("it is our child");
        self.so_far.code = status.code();
        self.so_far
    }

    /// Takes one more line; false when there will be none.
    fn next_line(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(Line::Out(line)) => self.so_far.out.push(line),
            Ok(Line::Err(line)) => self.so_far.err.push(line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("it, or a process that it started, hangs: {:#?}", self.so_far);
            }
        }
        true
    }
}

fn forward(stream: impl Read + Send + 'static, lines: Sender<Line>, wrap: fn(String) -> Line) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(wrap(line)).is_err() {
                break;
            }
        }
    });
}

/// The numbers in a line, in order.
pub(crate) fn numbers(line: &str) -> Vec<u32> {
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
