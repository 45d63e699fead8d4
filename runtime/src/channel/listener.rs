//! [`Listener`]: accepts connections from programs that have its key.
//!
//! Whoever has connected but not yet shown the key waits in a row, so that one who is slow or silent delays nobody: each has ten
//! seconds, at most 64 are heard at a time, and of none more is read than the fixed length of an answer. The row
//! stays from one call of `accept` to the next. Threads that accept at once take turns. Whoever polls the listener is to see
//! the row as well: so what is lent for that is an epoll(7) of the socket and the row.

use std::ffi::OsStr;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::address::{Address, Bound};
use super::auth::{self, ANSWER, Host, Key};
use super::client::say;
use super::connection::Connection;
use super::copies;
use crate::sys::named::{self, SocketFile};
use crate::sys::{poll, socket, standard};
use crate::{Error, Result};

/// How long a handshake may take once it has begun.
pub(super) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// So many may be in the middle of one.
const CALLERS_MAX: usize = 64;

/// Accepts connections at an address from whoever has the key: Python's `Listener`.
///
/// ```
/// use offspring::{Client, Listener, process};
///
/// #[process]
/// fn ask(address: &str) -> offspring::Result<u32> {
///     let server = Client::connect::<String, u32>(address, "secret")?;
///     server.send("how many?".to_owned())?;
///     Ok(server.recv()?)
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let listener = Listener::bind("127.0.0.1:0", "secret")?;
/// let child = ask::spawn(listener.address())?;
/// let client = listener.accept::<u32, String>()?;
/// assert_eq!(client.recv()?, "how many?");
/// client.send(42)?;
/// assert_eq!(child.join()??, 42);
/// # Ok(())
/// # }
/// ```
///
/// # Fork and death
/// The address is free when the listener is dropped or its process dies, and those who wait to be accepted are told. The
/// file of a path is removed by the process that bound it; one that is left behind by a kill is replaced by the next who
/// binds there. A copy of this process made by `StartMethod::Fork` does not listen.
pub struct Listener {
    // Removed before the socket is closed.
    _file: Option<SocketFile>,
    socket: Arc<OwnedFd>,
    /// Readable when the socket is, or one who waits in the row.
    news: Arc<OwnedFd>,
    address: String,
    is_local: bool,
    key: Key,
    row: Mutex<Row>,
    turn_ends: Condvar,
}

#[derive(Default)]
struct Row {
    callers: Vec<Caller>,
    taken: bool,
}

/// One who has connected and is yet to show the key.
struct Caller {
    socket: OwnedFd,
    host: Host,
    answer: [u8; ANSWER],
    heard: usize,
    deadline: Instant,
}

impl Listener {
    /// Listens at a path, an abstract `@name`, or `host:port`, where port 0 picks a free one; an empty key works, too.
    ///
    /// The file of a path is accessible to this user alone. A path without a `/` must not contain a `:`.
    ///
    /// # Errors
    /// [`Error::System`] when the address is in use by a live listener, or is no address, or cannot be had.
    pub fn bind(address: impl AsRef<OsStr>, key: impl AsRef<[u8]>) -> Result<Self> {
        let text = address.as_ref();
        let place = Address::parse(text)?;
        let Bound { file, socket, address } = place.bind(text)?;
        let news = epoll::create(CreateFlags::CLOEXEC).and_then(standard::beyond);
        let news = news.map_err(Error::system("watch for clients"))?;
        watch(&news, &socket)?;
        Ok(Self {
            _file: file,
            socket: copies::note(socket),
            news: copies::note(news),
            address,
            is_local: place.is_local(),
            key: Key::new(key.as_ref()),
            row: Mutex::default(),
            turn_ends: Condvar::new(),
        })
    }

    /// Where it listens, as a client writes it; with the port that was picked.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the next client with the right key.
    ///
    /// The connection sends `A` and receives `B`, the client's the other way round.
    ///
    /// # Errors
    /// About one client, after which the next can be accepted: [`Error::Authentication`] when it does not have the key, hangs
    /// up, or does not show the key within ten seconds; [`Error::OtherTypes`]. [`Error::System`] when there is
    /// no descriptor left.
    pub fn accept<A, B>(&self) -> Result<Connection<A, B>> {
        self.accept_until(None)
    }

    /// Waits for the next client with the right key, but no longer than this.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when none came in time; else as [`accept`](Listener::accept).
    pub fn accept_timeout<A, B>(&self, timeout: Duration) -> Result<Connection<A, B>> {
        // A timeout beyond the clock's end is none.
        self.accept_until(Instant::now().checked_add(timeout))
    }

    fn accept_until<A, B>(&self, deadline: Option<Instant>) -> Result<Connection<A, B>> {
        let mut turn = self.take_turn(deadline).ok_or(Error::TimedOut)?;
        loop {
            if let Some(late) = turn.callers.iter().position(|one| Instant::now() >= one.deadline) {
                self.dismiss(turn.callers.remove(late));
                return Err(auth::refused("it does not show its key"));
            }
            let ready = self.wait(&turn.callers, deadline)?;
            if ready.is_empty() && deadline.is_some_and(|at| Instant::now() >= at) {
                return Err(Error::TimedOut);
            }
            // From the back, so that positions stay what they are.
            for position in ready.into_iter().rev() {
                let Some(caller) = turn.callers.get_mut(position) else {
                    turn.callers.extend(self.greet()?);
                    continue;
                };
                match caller.listen() {
                    Ok(false) => {}
                    Ok(true) => {
                        let caller = self.dismiss(turn.callers.remove(position));
                        return self.judge(caller);
                    }
                    Err(error) => {
                        self.dismiss(turn.callers.remove(position));
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Waits for the callers and, at the place after theirs, for new ones.
    fn wait(&self, callers: &[Caller], deadline: Option<Instant>) -> Result<Vec<usize>> {
        let mut descriptors: Vec<_> = callers.iter().map(|caller| caller.socket.as_fd()).collect();
        if callers.len() < CALLERS_MAX {
            descriptors.push(self.socket.as_fd());
        }
        let first = callers.iter().map(|caller| caller.deadline).chain(deadline).min();
        poll::wait(&descriptors, first).map_err(Error::system("wait for a client"))
    }

    /// Takes in a new caller and asks the question.
    fn greet(&self) -> Result<Option<Caller>> {
        let Some(socket) = named::accept(&self.socket).map_err(Error::system("accept"))? else {
            return Ok(None);
        };
        let host = Host::new()?;
        say(&socket, &host.question())?;
        watch(&self.news, &socket)?;
        let deadline = Instant::now() + HANDSHAKE_WITHIN;
        Ok(Some(Caller { socket, host, answer: [0; ANSWER], heard: 0, deadline }))
    }

    /// Out of the row. Its socket is taken from the watch by hand: it lives on in a connection, or in a copy of this process.
    fn dismiss(&self, caller: Caller) -> Caller {
        // It fails only when it is not watched any more.
        let _ = epoll::delete(&self.news, &caller.socket);
        caller
    }

    fn judge<A, B>(&self, caller: Caller) -> Result<Connection<A, B>> {
        let (verdict, judged) = caller.host.judge::<B, A>(&self.key, &caller.answer);
        let said = say(&caller.socket, &verdict);
        judged.and(said)?;
        Connection::over_socket(caller.socket, self.is_local)
    }

    /// Waits until no other thread accepts.
    fn take_turn(&self, deadline: Option<Instant>) -> Option<Turn<'_>> {
        let mut row = self.row();
        while row.taken {
            row = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return None,
                Some(left) => {
                    let waited = self.turn_ends.wait_timeout(row, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.turn_ends.wait(row).unwrap_or_else(PoisonError::into_inner),
            };
        }
        row.taken = true;
        Some(Turn { listener: self, callers: std::mem::take(&mut row.callers) })
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller {
    /// Hears what it says; whether it is all of an answer.
    fn listen(&mut self) -> Result<bool> {
        match socket::receive_some(&self.socket, &mut self.answer[self.heard..]) {
            Err(Errno::AGAIN) => Ok(false),
            Ok(0) | Err(_) => Err(auth::refused("it has hung up")),
            Ok(more) => {
                self.heard += more;
                Ok(self.heard == ANSWER)
            }
        }
    }
}

/// The one call of `accept` that looks after the row.
struct Turn<'a> {
    listener: &'a Listener,
    callers: Vec<Caller>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut row = self.listener.row();
        row.callers = std::mem::take(&mut self.callers);
        row.taken = false;
        self.listener.turn_ends.notify_one();
    }
}

fn watch(news: &OwnedFd, socket: &OwnedFd) -> Result<()> {
    epoll::add(news, socket, EventData::new_u64(0), EventFlags::IN)
        .map_err(Error::system("watch for clients"))
}

/// Readable when somebody has connected; `accept` then waits for no more than a handshake.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}
