//! Redis, where there is one: a server that keeps nothing on disk, asked over a Unix socket, one command an operation.
//!
//! # Safety
//! Between fork and exec, one system call that changes nothing in memory.
#![allow(unsafe_code, reason = "has the server die with its starter")]

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::case::{Case, Kind};
use super::codec::Bytes;
use super::record::{self, Player, Words};
use super::work::{self, Map, Measure, Part, Sequence, Share};
use crate::Fallible;
use crate::crew::Hands;

const PROGRAM: &str = "redis-server";
/// So long may it take to begin.
const PATIENCE: Duration = Duration::from_secs(10);
/// The key of the list.
const LIST: &[u8] = b"list";

/// Whether a server can be started.
pub fn is_there() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
}

/// Prepares the case for as many processes as it has workers.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure(case: Case) -> Fallible<Measure> {
    let folder = TempDir::new()?;
    let socket = folder.path().join("socket");
    let server = Server::start(folder.path(), &socket)?;
    let mut client = Client::connect(&socket)?;
    match case.kind() {
        Kind::Numbers => record::all::<Words>().for_each(|(key, value)| client.set(&key, value)),
        Kind::Strings => record::all::<Player>().for_each(|(key, value)| client.set(&key, value)),
        Kind::List | Kind::Array => {}
    }
    let shares = vec![Socket(socket); case.parties()];
    // Once all are connected, the folder can go.
    let mut measure = work::measure(shares, case, Hands::Processes)?;
    Ok(Box::new(move |rounds| {
        let _ = &server;
        measure(rounds)
    }))
}

/// A server. It ends when it is dropped, or its process.
struct Server(Child);

impl Server {
    fn start(folder: &Path, socket: &Path) -> Fallible<Self> {
        let mut command = Command::new(PROGRAM);
        command.args(["--port", "0", "--save", "", "--appendonly", "no"]);
        command.arg("--unixsocket").arg(socket).arg("--dir").arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // SAFETY: one system call, and no memory is taken.
        unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) };
        let mut server = Self(command.spawn()?);
        let limit = Instant::now() + PATIENCE;
        while UnixStream::connect(socket).is_err() {
            if server.0.try_wait()?.is_some() || Instant::now() > limit {
                return Err("the server does not begin".into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Clone)]
struct Socket(PathBuf);

impl Share for Socket {
    fn part(self, case: Case, me: usize) -> Fallible<Part> {
        let client = Client::connect(&self.0)?;
        Ok(match case.kind() {
            Kind::Numbers => work::on_map::<Words>(client, case, me),
            Kind::Strings => work::on_map::<Player>(client, case, me),
            Kind::List | Kind::Array => work::on_list(client, case, me),
        })
    }
}

/// A connection.
struct Client {
    stream: BufReader<UnixStream>,
    request: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    fn connect(socket: &Path) -> Fallible<Self> {
        let stream = BufReader::new(UnixStream::connect(socket)?);
        let [request, key, value, answer] = [const { Vec::new() }; 4];
        Ok(Self { stream, request, key, value, answer })
    }

    /// One command; the answer is in `answer` then: a line's, or a whole string's.
    fn ask(&mut self, command: &[&[u8]]) -> std::io::Result<()> {
        self.request.clear();
        write!(self.request, "*{}\r\n", command.len())?;
        for word in command {
            write!(self.request, "${}\r\n", word.len())?;
            self.request.extend_from_slice(word);
            self.request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&self.request)?;
        self.answer.clear();
        self.stream.read_until(b'\n', &mut self.answer)?;
        let Some(len) = self.answer.strip_prefix(b"$") else {
            assert!(self.answer.starts_with(b"+") || self.answer.starts_with(b":"), "it refuses");
            return Ok(());
        };
        let len: usize = len.trim_ascii().iter().fold(0, |len, digit| {
            10 * len + usize::from(digit.checked_sub(b'0').expect("what is asked for is there"))
        });
        self.answer.resize(len + 2, 0);
        self.stream.read_exact(&mut self.answer)?;
        self.answer.truncate(len);
        Ok(())
    }
}

/// What a call gives that nothing can hinder here.
const ALIVE: &str = "the server answers";

impl<R: Bytes> Map<R> for Client {
    fn get(&mut self, key: &R::Key) -> R {
        let mut name = std::mem::take(&mut self.key);
        name.clear();
        R::put_key(key, &mut name);
        self.ask(&[b"GET", &name]).expect(ALIVE);
        self.key = name;
        R::got(&self.answer)
    }

    fn set(&mut self, key: &R::Key, value: R) {
        let (mut name, mut bytes) =
            (std::mem::take(&mut self.key), std::mem::take(&mut self.value));
        name.clear();
        R::put_key(key, &mut name);
        bytes.clear();
        value.put(&mut bytes);
        self.ask(&[b"SET", &name, &bytes]).expect(ALIVE);
        (self.key, self.value) = (name, bytes);
    }
}

impl Sequence for Client {
    fn push(&mut self, item: u64) {
        self.ask(&[b"RPUSH", LIST, item.to_string().as_bytes()]).expect(ALIVE);
    }

    fn get(&mut self, index: usize) -> u64 {
        self.ask(&[b"LINDEX", LIST, index.to_string().as_bytes()]).expect(ALIVE);
        let text = str::from_utf8(&self.answer).expect("a number");
        text.parse().expect("a number")
    }

    fn clear(&mut self) {
        self.ask(&[b"DEL", LIST]).expect(ALIVE);
    }
}
