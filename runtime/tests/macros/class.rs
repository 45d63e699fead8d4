//! The class form, daemons, options.

use std::time::Duration;

use offspring::{JoinError, Message, daemon, message, process};

#[process]
#[derive(Debug, Clone)]
struct Mailer {
    to: String,
    mails: u32,
}

#[process(name = "mailer")]
impl Mailer {
    fn new(to: &str) -> Self {
        Self { to: to.to_owned(), mails: 0 }
    }

    fn with(mut self, mails: u32) -> Self {
        self.mails += mails;
        self
    }

    /// Says what was sent.
    fn run(self) -> String {
        format!("{} for {} from {}", self.mails, self.to, process::current().name)
    }
}

#[test]
fn a_struct_with_run_is_a_process() {
    let mailer = Mailer::new("ann").with(3);
    let child = mailer.clone().spawn().unwrap();
    assert_eq!(child.name(), "mailer");
    assert_eq!(child.join().unwrap(), "3 for ann from mailer");
    let renamed = mailer.task().name("postman").spawn().unwrap();
    assert_eq!(renamed.join().unwrap(), "3 for ann from postman");
}

#[message]
struct Counter<T> {
    left: u32,
    step: T,
}

#[process]
impl<T> Counter<T>
where
    T: Message + Copy + Into<u64>,
{
    fn run(&mut self) -> u64 {
        let mut sum = 0;
        while self.left > 0 {
            self.left -= 1;
            sum += self.step.into();
        }
        sum
    }
}

#[process]
struct Shown(u32);

#[process]
impl Shown {
    pub(crate) fn run(&self) -> u32 {
        self.0
    }
}

#[test]
fn run_may_borrow_and_its_type_may_be_generic() {
    assert_eq!(Counter { left: 3, step: 5_u8 }.spawn().unwrap().join().unwrap(), 15);
    assert_eq!(Counter { left: 2, step: 7_u32 }.spawn().unwrap().join().unwrap(), 14);
    assert_eq!(Shown(4).spawn().unwrap().join().unwrap(), 4);
}

#[daemon(restart = "on-failure", max_restarts = 2, within = "10s", backoff = "1ms..5ms")]
fn report(every: Duration) -> u32 {
    every.subsec_millis()
}

#[process(timeout = "100ms", start = "spawn", memory = "1GiB", nice = 3, retry = 0, daemon)]
fn hang() {
    loop {
        std::thread::park();
    }
}

#[process(daemon = false)]
fn plain() {}

#[message]
struct Watcher(u32);

#[daemon(name = "watcher")]
impl Watcher {
    fn run(self) -> u32 {
        self.0
    }
}

#[test]
fn a_struct_with_run_may_be_a_daemon() {
    let watcher = Watcher(3).spawn().unwrap();
    assert!(watcher.is_daemon());
    assert_eq!(watcher.name(), "watcher");
    assert_eq!(watcher.join().unwrap(), 3);
}

#[test]
fn options_of_the_attribute_reach_the_process() {
    let reporter = report::spawn(Duration::from_millis(5)).unwrap();
    assert!(reporter.is_daemon());
    assert_eq!(reporter.join().unwrap(), 5);
    let hanging = hang::spawn().unwrap();
    assert!(hanging.is_daemon());
    assert!(matches!(hanging.join(), Err(JoinError::TimedOut(limit)) if limit.as_millis() == 100));
    let child = plain::spawn().unwrap();
    assert!(!child.is_daemon());
    child.join().unwrap();
}
