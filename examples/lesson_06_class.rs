//! Lesson 6: a process as a type of your own.
//!
//! Where a task has many parts, a type reads better than a function with many arguments: the fields are
//! the arguments, `run` is the task, and other methods help it.
//!
//! In Python one inherits from `Process`, and must remember to call its constructor:
//!
//! ```python
//! class MyProcess(Process):
//!     def __init__(self, arg):
//!         super().__init__()      # forget this, and `start` fails
//!         self.arg = arg
//!     def run(self):
//!         print(self.arg)
//!
//! p = MyProcess("I am the argument")
//! p.start()
//! ```
//!
//! Here there is nothing to inherit: `#[process]` on the struct says that its values may travel to
//! another process, `#[process]` on its `impl` that `run` is what happens there.
//!
//! Run it: `cargo run --example lesson_06_class`

use std::os::unix::process::parent_id;

use offspring::prelude::*;

// 1. The plainest form.

#[process]
struct MyProcess;

#[process]
impl MyProcess {
    fn run(self) {
        println!("1. child's pid>>{}, parent's pid>>{}", std::process::id(), parent_id());
    }
}

// 2. With arguments: they are the fields.

#[process]
struct Letter {
    to: String,
    text: String,
}

#[process]
impl Letter {
    /// What the process does; `join` gives what this returns.
    fn run(self) -> usize {
        println!("2. child's pid>>{}, parent's pid>>{}", std::process::id(), parent_id());
        println!("2. {}", self.greeting());
        println!("2. {}", self.text);
        self.text.len()
    }

    /// Other methods stay ordinary methods, for `run` and for everyone else.
    fn greeting(&self) -> String {
        format!("Dear {},", self.to)
    }
}

fn main() -> offspring::Result<()> {
    let child = MyProcess.spawn()?;
    println!("1. main's pid>>{}, child's pid>>{}", std::process::id(), child.pid());
    child.join()?;

    let letter = Letter { to: "parent".to_owned(), text: "I am the argument".to_owned() };
    println!("2. main can call methods too: {}", letter.greeting());
    let child = letter.spawn()?;
    println!("2. main's pid>>{}, child's pid>>{}", std::process::id(), child.pid());
    println!("2. the letter had {} bytes", child.join()?);
    Ok(())
}
