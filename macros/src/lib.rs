//! The attributes of [`offspring`](https://docs.rs/offspring), which re-exports them: `#[process]`, `#[daemon]`,
//! `#[message]`, `#[preload]` and `#[shared]`.
//!
//! The stages, in this order, the first three of which can refuse:
//!
//! - `ast`: which item was annotated, parsed as little as the rules need
//! - `attr`, `units`: the attribute's own arguments
//! - `check`: the rules, one file a construct; all mistakes are reported at once
//! - `expand`: tokens out, one file a construct; cannot fail
//!
//! Beside them `errors` gathers mistakes, `path` knows where the runtime is found, and `stages` is the road from one
//! end to the other. What the expansions call is in `offspring::__private`: behaviour lives there, not here.

mod ast;
mod attr;
mod check;
mod errors;
mod expand;
mod path;
mod stages;
mod units;

use proc_macro::TokenStream;

use check::function::Kind;

/// Lets a function run in a process of its own, and stay the plain function that it is.
///
/// Beside the function, a type of the same name appears (one `use` imports both) with
///
/// - `f::spawn(a, &b) -> Result<Process<R>>`, which starts it, and
/// - `f::task(a, &b) -> Task<R>`, which only encodes the arguments, for options to be set.
///
/// Arguments are messages by value, or lent: `&str`, `&[T]`, `&Path`, and `&T` of any message. What is lent
/// becomes the child's own. The result is a message, `()`, `!`, or a `Result` of a message and a message,
/// `std::io::Error` or `Box<dyn Error + Send + Sync>`. Generic functions ask for `T: offspring::Message`.
///
/// Of a task that gives a `Result`, `join` gives a result in a result, hence the two marks in `f::spawn(a)?.join()??`:
/// the outer result is the process's (it was killed, it panicked), the inner one is the task's own.
///
/// A library crate may define tasks: `use tasks::f;` brings the function and its companion.
///
/// # What cannot travel
///
/// - What several are meant to change: `&mut`, atomics, `Cell`, `RefCell`, the locks of `std::sync`. The child would
///   change a copy, and nobody would see it; so these are refused by name in arguments, results and messages. What all
///   see is `&Shared<AtomicU64>`, `&Shared<Mutex<T>>`, a handle such as `&offspring::Semaphore`, or a
///   [`#[shared]`](macro@shared) static, which a task uses by its name.
/// - What belongs to one process: references in other types, `Arc`, channels of threads, open files and sockets, handles
///   of threads and processes. Send the value, the path, the address.
/// - Arrays of more than 32 elements, which serde does not know: take `&[T]` or `Vec<T>`.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `name = "…"` | what `ps` shows; the function's name with a number otherwise |
/// | `start = "forkserver"`, `"fork"`, `"spawn"` | how the process comes into being |
/// | `timeout = "5s"` | the process is killed after so long (`ns`, `us`, `ms`, `s`, `m`, `h`) |
/// | `memory = "512MiB"` | allocations beyond it fail (`kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`) |
/// | `nice = 5` | from -20, served first, to 19 |
/// | `daemon` | it dies with its parent |
/// | `retry = 3` | how often it is run again after it died |
/// | `crate = path` | where `offspring` is found, for those who re-export it |
///
/// # The class form
///
/// On a struct it is [`#[message]`](macro@message); on that struct's `impl`, the method `run` becomes the process, and the
/// value what it works on.
///
/// # Fork and death
///
/// An attribute only declares; what survivors see of a process that dies is said at `Process::join`.
///
/// # Examples
///
/// ```
/// use offspring::process;
///
/// #[process]
/// fn count(text: &str, per: usize) -> std::io::Result<usize> {
///     Ok(text.len() / per)
/// }
///
/// #[process]
/// struct Mailer {
///     to: String,
/// }
///
/// #[process(name = "mailer", timeout = "30s")]
/// impl Mailer {
///     fn run(self) -> String {
///         format!("sent to {}", self.to)
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(count("abcdef", 2)?, 3);
/// assert_eq!(count::spawn("abcdef", 2)?.join()??, 3); // the process's own failures, then those of `count`
/// assert_eq!(Mailer { to: "ann".into() }.spawn()?.join()?, "sent to ann");
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn process(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::process(Kind::Process, arguments.into(), item.into()).into()
}

/// Like `#[process(daemon)]`: it serves its parent and dies with it, however that one ends; and it can be supervised.
///
/// # Options
///
/// Those of [`#[process]`](macro@process), and
///
/// | option | meaning |
/// | --- | --- |
/// | `restart = "never"`, `"on-failure"`, `"always"` | when it is started again |
/// | `max_restarts = 5` | how often, before its supervisor gives up |
/// | `within = "10s"` | in what time that many are too many |
/// | `backoff = "100ms..5s"` | the first pause before a restart, and the longest |
///
/// The last three mean `restart = "on-failure"` when that is not said.
///
/// # Fork and death
///
/// A daemon is killed within a second of its parent's death by any cause, busy or not.
///
/// # Examples
///
/// ```
/// use offspring::daemon;
///
/// #[daemon(restart = "on-failure", max_restarts = 3, backoff = "10ms..1s")]
/// fn report(every: std::time::Duration) {
///     loop {
///         std::thread::sleep(every);
///     }
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let reporter = report::spawn(std::time::Duration::from_secs(1))?;
/// assert!(reporter.is_daemon());
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn daemon(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::process(Kind::Daemon, arguments.into(), item.into()).into()
}

/// Lets a struct or enum travel to other processes, as an argument, a result, or in a channel.
///
/// It derives serde's traits from the copy of serde that `offspring` has, so that the manifest needs none. Fields
/// are messages themselves; serde's own attributes (`#[serde(skip)]` and so on) work below it. What cannot travel
/// in an argument of a [`#[process]`](macro@process) cannot be a field either, unless such an attribute says how.
///
/// # Examples
///
/// ```
/// use offspring::{message, process};
///
/// #[message]
/// #[derive(Debug, PartialEq)]
/// enum Shape {
///     Circle { radius: u32 },
///     Square(u32),
/// }
///
/// #[process]
/// fn double(shape: Shape) -> Shape {
///     match shape {
///         Shape::Circle { radius } => Shape::Circle { radius: radius * 2 },
///         Shape::Square(side) => Shape::Square(side * 2),
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(double::spawn(Shape::Square(2))?.join()?, Shape::Square(4));
/// assert_eq!(double(Shape::Circle { radius: 1 }), Shape::Circle { radius: 2 });
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::message(arguments.into(), item.into()).into()
}

/// Runs a function once in the fork server, before it forks: every child starts with its work done.
///
/// The function takes nothing and returns nothing; what it prepares it leaves in a static. The children share that
/// memory until one of them writes to it. It does not run in processes started in another way, so that a task
/// must not depend on it: a `OnceLock` or `LazyLock` fills the gap.
///
/// # Fork and death
///
/// It runs again in the server that replaces one that died.
///
/// # Examples
///
/// ```
/// use std::sync::LazyLock;
/// use offspring::{preload, process};
///
/// static SQUARES: LazyLock<Vec<u64>> = LazyLock::new(|| (0..1000).map(|n| n * n).collect());
///
/// #[preload]
/// fn warm() {
///     LazyLock::force(&SQUARES);
/// }
///
/// #[process]
/// fn square(n: usize) -> u64 {
///     SQUARES[n]
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(square::spawn(12)?.join()?, 144);
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn preload(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::preload(arguments.into(), item.into()).into()
}

/// Lets a type, a variable, or methods live in memory that processes share.
///
/// - On a struct or enum: every field is checked to be plain data, and the type becomes `Shareable`. A plain field is
///   read-only once shared, as in an `Arc`; change goes through atomics and `offspring::sync`. Where a `String` or a
///   `Vec` would stand, stands an `offspring::Text<N>` or an `offspring::Seq<T, N>`, with room for so much.
/// - On a static: one variable for the whole family of processes.
/// - On an `impl`: every method with `&self` or `&mut self` can be called on a `Mutex` around the type. Each call is
///   one locked step, and gives a `Result`, since the lock's last holder may have died in it.
///
/// # Fork and death
///
/// Memory stays as a dying process left it; a locked value is in doubt if it died inside a step, and the next step says
/// so with `LockError::OwnerDied`.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use offspring::{Shared, process, shared, sync::Mutex};
///
/// #[shared]
/// struct Bank {
///     visits: AtomicU64,
///     account: Mutex<Account>,
/// }
///
/// #[shared]
/// struct Account {
///     balance: i64,
/// }
///
/// #[shared]
/// impl Account {
///     fn deposit(&mut self, n: i64) -> i64 {
///         self.balance += n;
///         self.balance
///     }
/// }
///
/// #[shared]
/// static HITS: AtomicU64 = AtomicU64::new(0);
///
/// #[process]
/// fn visit(bank: &Shared<Bank>) -> Result<i64, String> {
///     HITS.fetch_add(1, Relaxed);
///     bank.visits.fetch_add(1, Relaxed);
///     bank.account.deposit(10).map_err(|error| error.to_string())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let account = Mutex::new(Account { balance: 5 });
/// let bank = Shared::new(Bank { visits: AtomicU64::new(0), account })?;
/// assert_eq!(visit::spawn(&bank)?.join()?, Ok(15));
/// assert_eq!(visit::spawn(&bank)?.join()?, Ok(25));
/// assert_eq!((bank.visits.load(Relaxed), HITS.load(Relaxed)), (2, 2));
/// # Ok(())
/// # }
/// ```
#[proc_macro_attribute]
pub fn shared(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::shared(arguments.into(), item.into()).into()
}
