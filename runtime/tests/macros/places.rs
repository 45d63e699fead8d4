//! Places: modules, function bodies, other macros, another name of the crate.

#![allow(unreachable_pub, reason = "visibilities are what is tested, though nobody imports a test")]

use offspring::process;

pub mod tasks {
    use offspring::process;

    /// Adds one.
    #[process]
    pub fn next(n: u32) -> u32 {
        n + 1
    }

    #[process]
    pub(crate) fn inner(n: u32) -> u32 {
        deeper::deepest(n)
    }

    pub mod deeper {
        #[super::process]
        pub(in crate::macros::places) fn deepest(n: u32) -> u32 {
            n * 2
        }
    }
}

#[test]
fn one_import_brings_both_meanings() {
    use tasks::deeper::deepest;
    use tasks::{inner, next};
    assert_eq!(next(1), 2);
    assert_eq!(next::spawn(1).unwrap().join().unwrap(), 2);
    assert_eq!(inner::spawn(3).unwrap().join().unwrap(), 6);
    assert_eq!(deepest::spawn(4).unwrap().join().unwrap(), 8);
}

fn first_body() -> offspring::Task<u32> {
    #[process]
    fn same(n: u32) -> u32 {
        n + 100
    }
    same::task(1)
}

fn second_body() -> offspring::Task<u32> {
    #[process]
    fn same(n: u32) -> u32 {
        n + 200
    }
    same::task(1)
}

#[test]
fn tasks_of_one_name_in_two_bodies_are_two() {
    assert_eq!(first_body().spawn().unwrap().join().unwrap(), 101);
    assert_eq!(second_body().spawn().unwrap().join().unwrap(), 201);
}

fn in_a_generic_body<T: Default>() -> (offspring::Task<u32>, T) {
    #[process]
    fn plain(n: u32) -> u32 {
        n + 1
    }
    #[process]
    fn generic<U: offspring::Message>(value: U) -> U {
        value
    }
    assert_eq!(generic::spawn('x').unwrap().join().unwrap(), 'x');
    (plain::task(1), T::default())
}

#[test]
fn bodies_of_generic_functions_may_hold_tasks() {
    assert_eq!(in_a_generic_body::<u8>().0.spawn().unwrap().join().unwrap(), 2);
    assert_eq!(in_a_generic_body::<String>().0.spawn().unwrap().join().unwrap(), 2);
}

macro_rules! tasks {
    ($($name:ident($argument:ident: $type:ty) -> $result:ty = $value:expr;)*) => {
        $(
            #[process(name = "made", timeout = "60s")]
            fn $name($argument: $type) -> $result {
                $value
            }
        )*

        /// Two bodies with tasks that no position in the source tells apart but that of their names.
        fn made_in_bodies() -> (offspring::Task<u32>, offspring::Task<u32>) {
            let first = {
                #[process]
                fn twin() -> u32 { 1 }
                twin::task()
            };
            let second = {
                #[process]
                fn twin() -> u32 { 2 }
                twin::task()
            };
            (first, second)
        }
    };
}

tasks! {
    made_double(n: u32) -> u32 = n * 2;
    made_length(text: &str) -> usize = text.len();
}

#[test]
fn other_macros_may_write_tasks() {
    assert_eq!(made_double::spawn(4).unwrap().join().unwrap(), 8);
    assert_eq!(made_length::spawn("four").unwrap().join().unwrap(), 4);
    let (first, second) = made_in_bodies();
    assert_eq!(first.spawn().unwrap().join().unwrap(), 1);
    assert_eq!(second.spawn().unwrap().join().unwrap(), 2);
}

/// A crate that re-exports this one.
pub mod facade {
    pub mod inner {
        pub use ::offspring::*;
    }
}

mod without_the_name {
    // What a path that does not go through `facade` would find.
    #[allow(dead_code)]
    mod offspring {}

    use super::facade::inner::{daemon, message, preload, process, shared};

    #[message(crate = super::facade::inner)]
    #[derive(Debug, PartialEq)]
    pub(super) struct Mail {
        pub(super) to: String,
    }

    #[process(crate = super::facade::inner)]
    pub(super) fn deliver(mail: Mail) -> Mail {
        mail
    }

    #[daemon(crate = super::facade::inner, restart = "never")]
    pub(super) fn stay(n: u32) -> u32 {
        n
    }

    #[preload(crate = super::facade::inner)]
    fn warm() {}

    #[shared(crate = super::facade::inner)]
    #[derive(Debug)]
    pub(super) struct Pair {
        pub(super) first: u32,
        pub(super) second: u32,
    }

    #[shared(crate = super::facade::inner)]
    impl Pair {
        pub(super) fn swap(&mut self) {
            std::mem::swap(&mut self.first, &mut self.second);
        }
    }

    #[shared(crate = super::facade::inner)]
    pub(super) static FIXED: u32 = 5;
}

macro_rules! hygienic {
    ($name:ident) => {
        #[offspring::message(crate = $crate::macros::places::facade::inner)]
        #[derive(Debug, PartialEq)]
        struct $name(u32);

        #[offspring::process(crate = $crate::macros::places::facade::inner)]
        fn echo(value: $name) -> $name {
            value
        }
    };
}

hygienic!(Echoed);

#[test]
fn the_crate_may_go_by_another_path() {
    use without_the_name::{FIXED, Mail, Pair, deliver, stay};
    let mail = deliver::spawn(Mail { to: "ann".into() }).unwrap().join().unwrap();
    assert_eq!(mail, Mail { to: "ann".into() });
    assert_eq!(stay::spawn(1).unwrap().join().unwrap(), 1);
    let pair = offspring::sync::Mutex::new(Pair { first: 1, second: 2 });
    pair.swap().unwrap();
    assert_eq!(pair.lock().unwrap().first, 2);
    assert_eq!(*FIXED, 5);
    assert_eq!(echo::spawn(Echoed(3)).unwrap().join().unwrap(), Echoed(3));
}

#[cfg(any())]
#[process]
fn not_there(missing: Missing) {}

#[process]
#[cfg(any())]
fn not_there_either(missing: Missing) {}

#[process]
#[cfg_attr(all(), deprecated = "use another")]
#[must_use]
#[inline]
const fn conditional(n: u32) -> u32 {
    n
}

#[test]
#[expect(deprecated, reason = "the attribute is carried to what users call")]
fn attributes_are_kept() {
    const AT_COMPILE_TIME: u32 = conditional(3);
    assert_eq!(AT_COMPILE_TIME, 3);
    drop(conditional::task(3));
}
