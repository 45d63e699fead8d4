//! Annotate a plain function, get a process; annotate a plain struct, get shared memory; everything else
//! works like `std`, but across processes, and survives `kill -9`.
//!
//! offspring is Python's `multiprocessing` for Rust. There is no `main` attribute, no call to set
//! things up, no async, and nothing to add to your `Cargo.toml` but offspring itself.
//!
//! # A function becomes a process
//!
//! `#[process]` leaves a function as it is and adds two ways to run it elsewhere, under the function's own
//! name: `f::spawn(..)` starts it, `f::task(..)` prepares it.
//!
//! ```
//! use offspring::prelude::*;
//!
//! #[process]
//! fn count_words(text: &str) -> usize {
//!     text.split_whitespace().count()
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! assert_eq!(count_words("called as ever"), 3);
//!
//! let child: Process<usize> = count_words::spawn("in a process of its own")?;
//! assert_eq!(child.join()?, 6);
//! # Ok(())
//! # }
//! ```
//! Arguments are sent by value, or lent (`&str`, `&[T]`, `&Path`, `&T`): the caller keeps its own, the
//! child gets one of its own. Results come back by value; a `Result` with `std::io::Error` or `Box<dyn
//! Error + Send + Sync>` does too. Types of yours take part with `#[message]`:
//!
//! ```
//! use offspring::prelude::*;
//!
//! #[message]
//! #[derive(Debug, PartialEq)]
//! enum Shape {
//!     Circle { radius: f64 },
//!     Square(f64),
//! }
//!
//! #[process]
//! fn grow(shape: Shape, by: f64) -> Shape {
//!     match shape {
//!         Shape::Circle { radius } => Shape::Circle { radius: radius * by },
//!         Shape::Square(side) => Shape::Square(side * by),
//!     }
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! assert_eq!(grow::spawn(Shape::Square(2.0), 3.0)?.join()?, Shape::Square(6.0));
//! # Ok(())
//! # }
//! ```
//! A struct with a `run` method is a process as well, Python's class form: see [`macro@process`].
//!
//! # Death is a value
//!
//! However a child ends, [`Process::join`] returns, and says how: it panicked (with message, place and
//! backtrace), it left with an exit code, a signal killed it, it ran out of time.
//!
//! ```
//! use offspring::{JoinError, Signal, prelude::*};
//!
//! #[process]
//! fn divide(a: u32, b: u32) -> u32 {
//!     a / b
//! }
//!
//! #[process(timeout = "50ms")]
//! fn for_ever() -> ! {
//!     loop {
//!         std::thread::park();
//!     }
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! let (quotient, never) = offspring::join!(divide::task(1, 0), for_ever::task());
//! let Err(JoinError::Panicked(panic)) = quotient else { panic!("one by zero?") };
//! assert_eq!(panic.message, "attempt to divide by zero");
//! assert!(matches!(never, Err(JoinError::TimedOut(_))));
//!
//! let child = for_ever::spawn()?;
//! child.kill()?;
//! assert!(matches!(child.join(), Err(JoinError::Signaled(Signal::SIGKILL))));
//! # Ok(())
//! # }
//! ```
//!
//! # A struct becomes shared memory
//!
//! [`Shared<T>`] is `Arc<T>` across processes. `#[shared]` checks that a struct may live there: no pointers, no
//! heap. What changes is an atomic or stands in a [`sync::Mutex`], so that data races do not compile.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! use offspring::prelude::*;
//!
//! #[shared]
//! struct Account {
//!     visits: AtomicU64,
//!     balance: Mutex<i64>,
//! }
//!
//! #[process]
//! fn deposit(account: &Shared<Account>, amount: i64) {
//!     account.visits.fetch_add(1, Relaxed);
//!     *account.balance.lock().unwrap() += amount;
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! let account = Shared::new(Account { visits: AtomicU64::new(0), balance: Mutex::new(0) })?;
//! let children: Vec<_> = (1..=4).map(|n| deposit::spawn(&account, n)).collect::<Result<_, _>>()?;
//! for child in children {
//!     child.join()?;
//! }
//! assert_eq!((account.visits.load(Relaxed), *account.balance.lock()?), (4, 10));
//! # Ok(())
//! # }
//! ```
//! The memory is anonymous: the kernel frees it with its last holder, however that one ended, and a
//! process can touch only what it was handed. When the holder of a lock is killed, the next one is told
//! ([`sync::LockError::OwnerDied`]). `#[shared] static` is one variable for the whole family of processes.
//!
//! # Whose turn it is
//!
//! [`Lock`], [`RLock`], [`Semaphore`], [`BoundedSemaphore`], [`Event`], [`Condition`] and [`Barrier`] are Python's words:
//! handles, to be cloned and passed to tasks. What they lead to are types of [`sync`], which can also stand in a
//! `#[shared]` struct or static, beside [`RwLock`](sync::RwLock), [`Once`](sync::Once), and [`Text`] and [`Seq`] for what
//! a `String` and a `Vec` would hold.
//!
//! ```
//! use offspring::{Event, Semaphore, Seq, Text, prelude::*};
//!
//! #[shared]
//! static GUESTS: Mutex<Seq<Text<16>, 8>> = Mutex::new(Seq::new());
//!
//! #[process]
//! fn dine(name: &str, open: &Event, tables: &Semaphore) -> offspring::Result<()> {
//!     open.wait();
//!     let _table = tables.acquire();
//!     GUESTS.lock()?.push(Text::try_from(name)?)?;
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (open, tables) = (Event::new()?, Semaphore::new(2)?);
//! let guests = ["ann", "bob", "cleo"].map(|name| dine::spawn(name, &open, &tables));
//! open.set();
//! for guest in guests {
//!     guest?.join()??;
//! }
//! assert_eq!(GUESTS.lock()?.len(), 3);
//! assert_eq!(tables.available(), 2);
//! # Ok(())
//! # }
//! ```
//! Any of those processes may be killed at any instruction, and the others go on:
//!
//! | killed | what the others see |
//! | --- | --- |
//! | with a `Mutex` or `RwLock` | it is free; the next one is told, with the guard, and can [`recover`](sync::LockError::recover) the data |
//! | with a `Lock` or `RLock` | it is free; [`recovered`](sync::MutexGuard::recovered) says so |
//! | with permits of a `Semaphore` | they are free |
//! | at a `Barrier`, or between two rounds of it | it is broken, at once |
//! | in the middle of a `Once` | it has not happened; the next one does it |
//! | waiting for any of them | nothing |
//!
//! To lock what one holds already is an error, and so is a circle of processes that wait for each other.
//!
//! # Messages
//!
//! [`Queue`] is first in, first out, between any number of processes; what it holds is in shared memory as soon as `put`
//! returns. [`JoinableQueue`] is one of jobs, which come back when whoever had one dies. [`pipe`] gives the two ends of a connection, over which
//! handles of every kind can be sent, [`Listener`] and [`Client`] connect programs that are not related, and [`select`] waits for
//! several of these.
//!
//! ```
//! use offspring::{JoinableQueue, Queue, prelude::*};
//!
//! #[process]
//! fn shout(words: &JoinableQueue<String>, loud: &Queue<String>) {
//!     for word in words {
//!         loud.put(word.to_uppercase()).unwrap();
//!         word.done();
//!     }
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! let (words, loud) = (JoinableQueue::bounded(8)?, Queue::new()?);
//! let workers = [shout::spawn(&words, &loud)?, shout::spawn(&words, &loud)?];
//! words.put_many(["to", "be", "or"].map(str::to_owned))?;
//! words.join()?;
//! assert_eq!(loud.len(), 3);
//! words.close();
//! # workers.into_iter().for_each(|worker| worker.join().unwrap());
//! # Ok(())
//! # }
//! ```
//! | killed | what the others see |
//! | --- | --- |
//! | in the middle of `put` or `get` | it has happened or not; they go on at once |
//! | with a job | it comes back, at the front, to be done by another |
//! | as the last one who could have put | [`PeerDied`](GetError::PeerDied), instead of waiting for ever |
//! | at the other end of a connection | all that it had sent, then [`Eof`](RecvError::Eof) |
//!
//! # Collections
//!
//! [`Dict`], [`List`], [`Value`] and [`Namespace`] grow as needed, in shared memory, with std's methods. What one gets out is a copy; what changes an
//! entry where it stands, in one step, is `update`. A collection as a value of another one is shared, too. [`Array`] has a fixed length, and pieces
//! ([`Chunk`]) that one process each has for itself.
//!
//! ```
//! use offspring::{Dict, List, prelude::*};
//!
//! #[process]
//! fn sort(words: &[String], by_len: &Dict<usize, List<String>>) -> offspring::Result<()> {
//!     for word in words {
//!         let list = by_len.get_or_insert_with(word.len(), || List::new().unwrap())?;
//!         list.push(word.clone())?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> offspring::Result<()> {
//! let by_len = Dict::new()?;
//! let words = ["to", "be", "or", "not"].map(str::to_owned);
//! let children = [sort::spawn(&words[..2], &by_len)?, sort::spawn(&words[2..], &by_len)?];
//! for child in children {
//!     child.join()??;
//! }
//! assert_eq!(by_len.get(&2).unwrap().len(), 3);
//! assert_eq!(by_len.get(&3).unwrap().to_vec()?, ["not"]);
//! # Ok(())
//! # }
//! ```
//! Whoever is killed in the middle of a change has made it or not: nothing is locked, half-changed or lost. By name, programs that are not
//! related find such objects through a [`Manager`]; [`SharedMemory`] is plain bytes with a name.
//!
//! # Daemons and ends
//!
//! `#[daemon]` is a process that lives as long as its parent: it is terminated when `main` ends, and killed
//! by the kernel when the parent is. All other children are waited for when `main` ends.
//!
//! # How processes start
//!
//! By default a helper, the same executable started again, forks on request ([`StartMethod::ForkServer`]): that is
//! safe whatever threads run, and costs the same however big this process is. Children are this process's own children
//! all the same. [`StartMethod::Fork`] and [`StartMethod::Spawn`] are there for those who want them.
//! `#[preload]` runs a function once in the helper, so that every child starts with it done.
//!
//! # Requirements
//!
//! 64-bit Linux 5.10 or later with glibc, `/proc` mounted.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!("offspring runs on 64-bit Linux with glibc only");

// Lets the code that the macros write say `offspring::...` inside this crate as well.
#[allow(unused_extern_crates, reason = "used by what macros write")]
extern crate self as offspring;

mod channel;
mod collections;
mod error;
mod join;
mod manager;
mod memory;
pub mod prelude;
pub mod process;
pub mod sync;
mod sys;
mod wire;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use channel::{Client, Connection, Descriptor, Listener, pipe};
pub use channel::{
    GetError, GetTimeoutError, Job, Jobs, JoinableQueue, PutError, PutTimeoutError, Queue,
    QueueIter, Reserved, TryGetError, TryPutError,
};
pub use channel::{RecvError, RecvIntoError, RecvTimeoutError, SendError, TryRecvError};
pub use channel::{Selectable, select};
pub use collections::array::{Array, Chunk, ChunksMut};
pub use collections::{
    Collection, Dict, DictIter, DictKeys, DictValues, IntoKey, List, ListIter, Namespace, Value,
};
pub use error::{Error, Result};
pub use manager::Manager;
pub use memory::{Full, NameError, Seq, Shareable, Shared, SharedMemory, SharedStatic, Text};
pub use offspring_macros::{daemon, message, preload, process, shared};
pub use process::{
    ExitStatus, JoinError, Panic, Process, ProcessInfo, Signal, StartMethod, Stdio, Task,
    cpu_count, set_start_method,
};
pub use sync::handles::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore};
pub use wire::{Message, RemoteError};
