//! Items whose own serde code fails, panics, cannot make up its mind, or uses the queue that they go through.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use offspring::__private::serde::de::{Deserialize, Deserializer, Error as _};
use offspring::__private::serde::ser::{Error as _, Serialize, Serializer};
use offspring::{Error, GetError, PutError, Queue, TryGetError};

/// What happens when it is sent, and what when it arrives.
#[derive(Clone, PartialEq)]
enum Whim {
    Fine(Vec<u8>),
    NotSent,
    PanicsWhenSent,
    NotReceived,
    PanicsWhenReceived,
    /// Of another length each time.
    Unsteady(RefCell<usize>),
    /// Puts something while it is sent; so many bytes.
    Puts(usize),
    /// Takes something while it arrives.
    Gets,
}

use Whim::*;

impl fmt::Debug for Whim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whim")
    }
}

thread_local! {
    /// What whims use.
    static SAME: RefCell<Option<Queue<Whim>>> = const { RefCell::new(None) };
}

fn same() -> Queue<Whim> {
    SAME.with_borrow(Clone::clone).unwrap()
}

impl Serialize for Whim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, bytes) = match self {
            Fine(bytes) => (0_u8, bytes.clone()),
            NotSent => return Err(S::Error::custom("it does not want to")),
            PanicsWhenSent => panic!("a whim when sent"),
            NotReceived => (1, vec![]),
            PanicsWhenReceived => (2, vec![]),
            Unsteady(len) => (0, vec![0; len.replace_with(|len| *len + 1)]),
            Puts(len) => {
                let put = same().try_put(Fine(vec![1]));
                put.map_err(|error| S::Error::custom(format!("{error:?}")))?;
                (0, vec![0; *len])
            }
            Gets => (3, vec![]),
        };
        (kind, bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Whim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <(u8, Vec<u8>)>::deserialize(deserializer)? {
            (0, bytes) => Ok(Fine(bytes)),
            (1, _) => Err(D::Error::custom("it does not want to")),
            (2, _) => panic!("a whim when received"),
            _ => same().try_get().map_err(|error| D::Error::custom(format!("{error:?}"))),
        }
    }
}

fn queue() -> Queue<Whim> {
    let queue = Queue::new().unwrap();
    SAME.set(Some(queue.clone()));
    queue
}

fn fine(number: u8) -> Whim {
    Fine(vec![number])
}

#[test]
fn one_that_cannot_be_sent_comes_back() {
    let queue = queue();
    let refused = queue.put(NotSent);
    assert!(
        matches!(&refused, Err(PutError::Failed(NotSent, Error::Encode { .. }))),
        "{refused:?}"
    );
    assert!(format!("{}", refused.unwrap_err()).contains("item"));
    assert!(queue.is_empty());
    queue.put(fine(1)).unwrap();
    let refused = queue.put_many([fine(2), NotSent, fine(3)]).unwrap_err();
    let PutError::Failed(rest, _) = refused else { panic!("{refused:?}") };
    // Whatever was put went first, and all the rest came back.
    let mut all: Vec<_> = queue.get_many(10).unwrap();
    all.extend(rest);
    assert!(all == [fine(1), fine(2), NotSent, fine(3)]);
}

#[test]
fn one_that_does_not_arrive_is_lost_and_the_next_one_comes() {
    let queue = queue();
    queue.put_many([fine(1), NotReceived, fine(2), NotReceived]).unwrap();
    queue.put_many([fine(3), NotReceived]).unwrap();
    assert!(queue.get().unwrap() == fine(1));
    let lost = queue.get();
    assert!(matches!(lost, Err(GetError::Failed(Error::Decode { .. }))), "{lost:?}");
    // Many at a time: those before it, then it, then those behind.
    assert!(queue.get_many(10).unwrap() == [fine(2)]);
    let lost = queue.get_many(10);
    assert!(matches!(lost, Err(GetError::Failed(Error::Decode { .. }))), "{lost:?}");
    assert!(queue.get_many(10).unwrap() == [fine(3)]);
    assert!(matches!(queue.try_get(), Err(TryGetError::Failed(Error::Decode { .. }))));
    assert!(matches!(queue.try_get(), Err(TryGetError::Empty)));
}

#[test]
fn panics_leave_a_queue_that_works() {
    let queue = queue();
    let panics = |body: &dyn Fn()| catch_unwind(AssertUnwindSafe(body)).unwrap_err();
    panics(&|| _ = queue.put(PanicsWhenSent));
    panics(&|| _ = queue.put_many([fine(1), PanicsWhenSent]));
    while queue.try_get().is_ok() {}
    queue.put_many([PanicsWhenReceived, fine(2)]).unwrap();
    panics(&|| _ = queue.get());
    assert!(queue.get().unwrap() == fine(2), "lost, and the next one comes");
    queue.put_many([PanicsWhenReceived, fine(3)]).unwrap();
    panics(&|| _ = queue.get_many(10));
    // Not for ever: the next call goes on behind it.
    assert!(queue.get_many(10).unwrap() == [fine(3)]);
    queue.put(fine(4)).unwrap();
    assert!(queue.get().unwrap() == fine(4));
}

#[test]
fn one_of_another_length_each_time_is_put_whole_or_refused() {
    let queue = queue();
    queue.put(fine(1)).unwrap();
    let steady = queue.put(Unsteady(RefCell::new(10)));
    steady.unwrap();
    // Written where it lies, after its length was found out.
    let refused = queue.put(Unsteady(RefCell::new(300_000)));
    assert!(
        matches!(&refused, Err(PutError::Failed(Unsteady(_), Error::Encode { .. }))),
        "{refused:?}"
    );
    queue.put(fine(2)).unwrap();
    assert!(queue.get().unwrap() == fine(1));
    assert!(queue.get().unwrap() == Fine(vec![0; 10]));
    assert!(queue.get().unwrap() == fine(2));
    assert!(queue.is_empty());
}

#[test]
fn one_that_puts_while_it_is_put() {
    let queue = queue();
    queue.put(Puts(3)).unwrap();
    assert!(queue.get_many(3).unwrap() == [fine(1), Fine(vec![0; 3])]);
    // While it is written where it lies, nobody else can put: it is told, and does not wait for itself.
    let refused = queue.put(Puts(300_000));
    assert!(matches!(refused, Err(PutError::Failed(Puts(_), _))), "{refused:?}");
    while queue.try_get().is_ok() {}
    queue.put(fine(2)).unwrap();
    assert!(queue.get().unwrap() == fine(2));
}

#[test]
fn one_that_takes_while_it_is_taken() {
    let queue = queue();
    queue.put_many([Gets, fine(1), fine(2)]).unwrap();
    assert!(queue.get().unwrap() == fine(1));
    assert!(queue.get().unwrap() == fine(2));
    // Many at a time are taken at once, so that none is to be had meanwhile: an error, and not a wait for oneself.
    queue.put_many([Gets, fine(3)]).unwrap();
    let lost = queue.get_many(2);
    assert!(matches!(lost, Err(GetError::Failed(Error::Decode { .. }))), "{lost:?}");
    assert!(queue.get().unwrap() == fine(3));
}
