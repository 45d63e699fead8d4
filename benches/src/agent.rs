//! Asking an agent, and being one: numbers of rounds go in, nanoseconds come out, a line each.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::{Fallible, Shape, Way, dict, lock, queue, start};

/// First argument of an executable that is to be an agent.
const AGENT: &str = "--agent";
/// First argument of an executable that is to do nothing.
pub const NOTHING: &str = "--nothing";

/// A process that does one thing as often as it is told, and says how long it took.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    /// Closed to end the agent, and so there until then.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Agent {
    /// Starts an agent for `way`, in the given shape; `bytes` is what a big one holds.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn new(way: Way, shape: Shape, bytes: usize) -> Fallible<Self> {
        let mut command = match way.python_method() {
            Some(method) => {
                let mut python = Command::new("python3");
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cpython.py");
                python.arg(script).arg(method);
                python
            }
            None => {
                let mut own = Command::new(env::current_exe()?);
                own.args([AGENT, way.key()]);
                own
            }
        };
        command.arg(shape.key()).arg(bytes.to_string());
        Self::run(command)
    }

    /// Starts an agent by a command of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(mut command: Command) -> Fallible<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("no pipe from the agent")?);
        Ok(Self { process, requests, answers })
    }

    /// Has the work done `rounds` times.
    ///
    /// # Errors
    /// When the agent has failed; it has said why on standard error.
    pub fn measure(&mut self, rounds: u64) -> Fallible<Duration> {
        let requests = self.requests.as_mut().ok_or("the agent was dismissed")?;
        writeln!(requests, "{rounds}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let nanos = answer.trim().parse().map_err(|_| "the agent failed")?;
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

/// Whether CPython is there to be measured.
pub fn has_python() -> bool {
    Command::new("python3")
        .args(["-c", "import multiprocessing"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Plays the part that the arguments ask for, if they ask for one; a benchmark's `main` calls it
/// first, and goes on only if the answer is no.
///
/// # Errors
/// When the work cannot be done.
pub fn play_part() -> Fallible<bool> {
    // A rival that starts the executable anew finds its way from here.
    procspawn::init();
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some(NOTHING) => Ok(true),
        Some(AGENT) => serve(arguments).map(|()| true),
        Some(lock::agent::AGENT) => lock::agent::serve(arguments).map(|()| true),
        Some(queue::agent::AGENT) => queue::agent::serve(arguments).map(|()| true),
        Some(dict::agent::AGENT) => dict::agent::serve(arguments).map(|()| true),
        _ => Ok(false),
    }
}

fn serve(mut arguments: impl Iterator<Item = String>) -> Fallible<()> {
    let mut next = || arguments.next().ok_or("an agent needs a way, a shape and a size");
    let way = Way::named(&next()?).ok_or("no such way")?;
    let shape = Shape::named(&next()?).ok_or("no such shape")?;
    shape.assume(next()?.parse()?)?;
    answer(|rounds| start::measure(way, shape, rounds))
}

/// What every agent does: rounds in, nanoseconds out.
///
/// # Errors
/// When the work cannot be done.
pub fn answer(mut measure: impl FnMut(u64) -> Fallible<Duration>) -> Fallible<()> {
    let mut requests = std::io::stdin().lines();
    while let Some(rounds) = requests.next().transpose()? {
        println!("{}", measure(rounds.parse()?)?.as_nanos());
    }
    Ok(())
}
