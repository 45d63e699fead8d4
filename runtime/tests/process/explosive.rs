//! Messages whose own code panics, and results with the error that all others become on their way.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use offspring::{JoinError, RemoteError, Shared, Stdio, process};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{echo, open_descriptors};

/// Blows up on its way out, or else on its way in.
struct Grenade {
    at_home: bool,
}

impl Serialize for Grenade {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!self.at_home, "blown up at home");
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Grenade {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("blown up abroad")
    }
}

type Counter = Shared<AtomicU32>;

/// Tries another message on its way out, and goes on when that one blows up.
#[derive(Deserialize)]
struct Nervous(Counter, Counter);

impl Serialize for Nervous {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Trial<'a>(&'a Counter);
        impl Serialize for Trial<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                blow_up_at_home();
                self.0.serialize(serializer)
            }
        }
        (Trial(&self.0), Trial(&self.1)).serialize(serializer)
    }
}

#[process]
fn defuse(handle: Counter, _grenade: Grenade) -> u32 {
    handle.load(SeqCst)
}

#[process]
fn bear(grenades: u32) -> (Vec<u32>, Grenade) {
    (vec![grenades], Grenade { at_home: true })
}

#[process]
fn sum(pair: Nervous, third: Counter) -> u32 {
    pair.0.load(SeqCst) + 10 * pair.1.load(SeqCst) + 100 * third.load(SeqCst)
}

fn counter(value: u32) -> Counter {
    Shared::new(AtomicU32::new(value)).unwrap()
}

#[track_caller]
fn blow_up_at_home() {
    let handle = counter(0);
    let packing = AssertUnwindSafe(|| defuse::task(handle, Grenade { at_home: true }));
    assert!(catch_unwind(packing).is_err(), "it did not blow up");
}

/// An error with a cause, which becomes text with its cause's text on its way.
#[process]
fn fail() -> offspring::Result<u32> {
    let cause = "many".parse::<u32>().unwrap_err();
    Err(io::Error::new(io::ErrorKind::InvalidData, Wrapped(cause)).into())
}

#[derive(Debug)]
struct Wrapped(std::num::ParseIntError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("line 3 is wrong")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Passes the error of another process on, or a result.
#[process]
fn pass_on(generations: u32) -> Result<u32, RemoteError> {
    match generations {
        0 => Ok(6),
        1 => fail::spawn().unwrap().join().unwrap().map_err(|error| match error {
            offspring::Error::Remote(remote) => remote,
            other => panic!("{other}"),
        }),
        _ => pass_on::spawn(generations - 1).unwrap().join().unwrap(),
    }
}

under_each_method! {
    fn a_message_that_panics_at_home_leaves_nothing_behind() {
        echo::spawn(1).unwrap().join().unwrap();
        let before = open_descriptors();
        for _ in 0..5 {
            blow_up_at_home();
        }
        assert_eq!(open_descriptors(), before);
        assert_eq!(echo::spawn(2).unwrap().join().unwrap(), 2);
    }

    fn a_message_in_whose_making_another_panicked() {
        let pair = Nervous(counter(1), counter(2));
        assert_eq!(sum::spawn(pair, counter(3)).unwrap().join().unwrap(), 321);
    }

    fn an_argument_that_panics_in_the_child() {
        let task = defuse::task(counter(0), Grenade { at_home: false }).stderr(Stdio::null());
        match task.spawn().unwrap().join() {
            Err(JoinError::Panicked(panic)) => assert_eq!(panic.message, "blown up abroad"),
            other => panic!("{other:?}"),
        }
    }

    fn a_result_that_panics_on_its_way() {
        match bear::task(1).stderr(Stdio::null()).spawn().unwrap().join() {
            Err(JoinError::Panicked(panic)) => assert_eq!(panic.message, "blown up at home"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it did not blow up"),
        }
    }

    /// However far it travels, it keeps what it says and why.
    fn remote_errors_are_errors_too() {
        assert_eq!(pass_on::spawn(0).unwrap().join().unwrap().unwrap(), 6);
        let cause = "many".parse::<u32>().unwrap_err().to_string();
        for generations in 1..4 {
            let error = pass_on::spawn(generations).unwrap().join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), "line 3 is wrong");
            assert_eq!(error.sources(), [&*cause], "{generations}");
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
        }
    }
}
