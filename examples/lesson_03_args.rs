//! Lesson 3: starting processes, with and without arguments, and what they do not share.
//!
//! In Python:
//!
//! ```python
//! def func(n):
//!     for i in range(1, n + 1):
//!         print("child's pid>>{}, parent's pid>>{}".format(os.getpid(), os.getppid()))
//!
//! if __name__ == "__main__":
//!     p = Process(target=func, args=(n,))
//!     p.start()
//! ```
//!
//! Here arguments are ordinary arguments, checked by the compiler. Nothing of `main` runs again in a
//! child, so there is no `if __name__ == "__main__"` to forget.
//!
//! Run it: `cargo run --example lesson_03_args`

use std::os::unix::process::parent_id;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use offspring::prelude::*;

// 1. The plainest process.

#[process]
fn func() {
    println!("1. child's pid>>{}, parent's pid>>{}", std::process::id(), parent_id());
}

// 2. A process with an argument.

#[process]
fn repeat(n: u32) {
    for _ in 0..n {
        println!("2. child's pid>>{}, parent's pid>>{}", std::process::id(), parent_id());
    }
}

// 3. What one process does to its variables, another does not see.

static COUNT: AtomicU32 = AtomicU32::new(10);

#[process]
fn increment() {
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    println!("3. I am the child: count={count}");
}

fn main() -> offspring::Result<()> {
    // `spawn` makes the process and starts it at once. `join` waits for its end: lesson 5.
    func::spawn()?.join()?;

    // The child's lines and these stars come in any order: two processes print at the same time.
    let n = 5;
    let child = repeat::spawn(n)?;
    for i in 1..=n as usize {
        println!("{}", "*".repeat(i));
    }
    child.join()?;

    // Python's lesson sleeps for a second here and hopes that the child is done by then.
    increment::spawn()?.join()?;
    println!("3. I am the parent: count={}", COUNT.load(Relaxed));
    Ok(())
}
