//! Scenes of `List`, whose items stand in place or are encoded, each in a block.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use offspring::__private::audit::Usage;
use offspring::List;

use super::{Changing, Kept, LONG, Number, Way, account};
use crate::compound;
use crate::compound::Succession;
use crate::scenes::{Entry, scene};
use crate::victim::Steps;

/// A line of cache for each item, which stands in place.
type InPlace = List<[u64; 8]>;
type Encoded = List<String>;

pub(super) const SCENES: &[Entry] = &[
    scene::<Changing<First<InPlace>>>(),
    scene::<Changing<First<Encoded>>>(),
    scene::<Changing<Push<InPlace>>>(),
    scene::<Changing<Push<Encoded>>>(),
    scene::<Changing<Pop<InPlace>>>(),
    scene::<Changing<Pop<Encoded>>>(),
    scene::<Changing<Set<InPlace>>>(),
    scene::<Changing<Set<Encoded>>>(),
    scene::<Changing<Resize<Encoded>>>(),
    scene::<Changing<SetWord>>(),
    scene::<Changing<Update<InPlace>>>(),
    scene::<Changing<CompareExchange<Encoded>>>(),
    scene::<Changing<Insert<InPlace>>>(),
    scene::<Changing<Insert<Encoded>>>(),
    scene::<Changing<Remove<InPlace>>>(),
    scene::<Changing<Remove<Encoded>>>(),
    scene::<Changing<Truncate<InPlace>>>(),
    scene::<Changing<Truncate<Encoded>>>(),
    scene::<Changing<Clear<InPlace>>>(),
    scene::<Changing<Clear<Encoded>>>(),
    scene::<Changing<Extend<InPlace>>>(),
    scene::<Changing<Extend<Encoded>>>(),
    scene::<Changing<UpdateAll<InPlace>>>(),
    scene::<Changing<UpdateAll<Encoded>>>(),
    (<Changing<Push<Encoded>> as Succession>::NAME, compound::run::<Changing<Push<Encoded>>>),
    (<Changing<Remove<InPlace>> as Succession>::NAME, compound::run::<Changing<Remove<InPlace>>>),
    (<Changing<Remove<Encoded>> as Succession>::NAME, compound::run::<Changing<Remove<Encoded>>>),
];

/// What a successor puts at the end.
const LAST: u8 = 200;

impl<T: Number> Kept for List<T> {
    type Part = u8;

    fn of(parts: &[u8]) -> Self {
        Self::from_iter(parts.iter().map(|number| T::of(*number))).unwrap()
    }
    fn contents(&self) -> Vec<u8> {
        let items = self.to_vec().unwrap();
        assert_eq!(items.len(), self.len());
        items.iter().map(T::number).collect()
    }
    fn seen(&self) -> Vec<u8> {
        (0..).map_while(|index| self.get(index)).map(|item| item.number()).collect()
    }
    fn touch(&self, way: usize) {
        match way {
            0 => {
                self.push(T::of(100)).unwrap();
                assert!(self.pop().unwrap() == Some(T::of(100)));
            }
            1 => (0..self.len()).for_each(|index| _ = self.update(index, |_| ()).unwrap()),
            2 => drop(self.to_vec().unwrap()),
            3 => drop(self.seen()),
            _ => {
                self.insert(0, T::of(100)).unwrap();
                assert!(self.remove(0).unwrap() == Some(T::of(100)));
            }
        }
    }
    fn works_on(&self) {
        let len = self.len();
        // More than there is room for.
        self.extend((0..20).map(T::of)).unwrap();
        assert!((0..20).all(|number| self.get(len + usize::from(number)) == Some(T::of(number))));
        self.insert(len, T::of(30)).unwrap();
        assert!(self.set(len, T::of(31)).unwrap() == Some(T::of(30)));
        assert!(self.remove(len).unwrap() == Some(T::of(31)));
        self.truncate(len).unwrap();
        assert!(self.get(len).is_none());
    }
    fn clear(&self) {
        List::clear(self).unwrap();
    }
    fn follow(&self) {
        self.push(T::of(LAST)).unwrap();
    }
    fn followed(parts: &[u8]) -> Vec<u8> {
        [parts, &[LAST]].concat()
    }
    fn blocks(&self, parts: &[u8]) -> usize {
        1 + if T::IN_BLOCKS { parts.len() } else { 0 }
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(self)
    }
}

/// Ways for both kinds of items.
macro_rules! ways {
    ($($way:ident, $name:literal, $states:expr, |$list:ident| $($body:expr),+;)*) => {$(
        struct $way<L>(PhantomData<L>);

        impl<T: Number> $way<List<T>> {
            fn go($list: &List<T>, steps: &Steps<'_>) {
                steps.begin();
                let mut step = 0;
                $(
                    $body;
                    step += 1;
                    steps.done(step);
                )+
            }
        }

        impl Way for $way<InPlace> {
            type Of = InPlace;
            const NAME: &'static str = concat!("list: ", $name);
            const TWO_DEATHS: &'static str = concat!("list: ", $name, ", and two deaths");
            const STATES: &'static [&'static [u8]] = $states;
            fn run(list: &InPlace, steps: &Steps<'_>) {
                Self::go(list, steps);
            }
        }

        impl Way for $way<Encoded> {
            type Of = Encoded;
            const NAME: &'static str = concat!("list, encoded: ", $name);
            const TWO_DEATHS: &'static str = concat!("list, encoded: ", $name, ", and two deaths");
            const STATES: &'static [&'static [u8]] = $states;
            fn run(list: &Encoded, steps: &Steps<'_>) {
                Self::go(list, steps);
            }
        }
    )*};
}

ways! {
    First, "push to an empty one", &[&[], &[1]], |list| list.push(T::of(1)).unwrap();
    // Six words that name blocks are as many as have room, or seven lines of cache.
    Push, "push twice, where it grows", &[
        &[1, 2, 3, 4, 5, 6],
        &[1, 2, 3, 4, 5, 6, 7],
        &[1, 2, 3, 4, 5, 6, 7, 8],
    ], |list| list.push(T::of(7)).unwrap(), list.push(T::of(8)).unwrap();
    Pop, "pop", &[&[1, 2], &[1], &[]], |list| list.pop().unwrap(), list.pop().unwrap();
    Set, "set", &[&[1, 2], &[1, 9]], |list| list.set(1, T::of(9)).unwrap();
    Resize, "set a longer item, and a shorter one", &[&[1, 2], &[1, LONG], &[1, 4]],
        |list| list.set(1, T::of(LONG)).unwrap(), list.set(1, T::of(4)).unwrap();
    Update, "update", &[&[1, 2], &[6, 2]],
        |list| list.update(0, |item| *item = T::of(6)).unwrap();
    CompareExchange, "compare_exchange", &[&[1, 2], &[8, 2]],
        |list| list.compare_exchange(0, &T::of(1), T::of(8)).unwrap();
    Insert, "insert in the middle", &[&[1, 2, 4], &[1, 2, 3, 4]],
        |list| list.insert(2, T::of(3)).unwrap();
    Remove, "remove in the middle", &[&[1, 2, 3, 4], &[1, 3, 4]], |list| list.remove(1).unwrap();
    Truncate, "truncate", &[&[1, 2, 3, 4], &[1]], |list| list.truncate(1).unwrap();
    Clear, "clear", &[&[1, 2, 3], &[]], |list| list.clear().unwrap();
    Extend, "extend", &[&[1], &[1, 2, 3]], |list| list.extend([2, 3].map(T::of)).unwrap();
    UpdateAll, "update_all", &[&[1, 2], &[2, 1, 5]], |list| list.update_all(|items| {
        items.reverse();
        items.push(T::of(5));
    }).unwrap();
}

/// What takes one store needs no journal.
struct SetWord;

impl Way for SetWord {
    type Of = List<u64>;
    const NAME: &'static str = "list: set a word";
    const STATES: &'static [&'static [u8]] = &[&[1, 2], &[1, 9]];
    fn run(list: &List<u64>, steps: &Steps<'_>) {
        steps.begin();
        list.set(1, u64::of(9)).unwrap();
        steps.done(1);
    }
}
