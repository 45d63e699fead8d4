//! Lesson 5: `join`, which waits until a child is done.
//!
//! Processes run side by side; `join` is where they meet again. Below it, everything that the child did
//! has happened. To wait for many, start them all first, then join one after another: the time that it
//! takes is that of the slowest, not the sum.
//!
//! In Python:
//!
//! ```python
//! lst = []
//! for i in range(10):
//!     p = Process(target=func, args=(i,))
//!     p.start()
//!     lst.append(p)
//! for i in lst:
//!     i.join()
//! print("main sends the last mail: with kind regards")
//! ```
//!
//! Here `join` also gives what the function returned, or a typed error if the child panicked or was
//! killed. Python's gives nothing: who wants to know must look at `exitcode`, and send results back
//! through a queue.
//!
//! Run it: `cargo run --example lesson_05_join`

use std::thread::sleep;

use offspring::prelude::*;

// 1. One child.

#[process]
fn first_mail() {
    println!("sent the first mail: please raise my salary");
}

// 2. Many children.

#[process]
fn mail(i: u32) {
    sleep(Duration::from_secs(1));
    println!("sent mail {i}: please promote me and raise my salary");
}

fn main() -> offspring::Result<()> {
    // Without `join`, the second mail would most often overtake the first.
    first_mail::spawn()?.join()?;
    println!("sent the second mail: 60,000 a month, thank you");

    // Ten processes, each of which takes a second; all ten are done after about one.
    let mut mails = Vec::new();
    for i in 0..10 {
        mails.push(mail::spawn(i)?);
    }
    for mail in mails {
        mail.join()?;
    }
    println!("main sends the last mail: with kind regards");
    Ok(())
}
