//! Scenes of `Dict`, whose entries stand in place or are encoded, each in a block.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Deref;

use offspring::__private::audit::Usage;
use offspring::{Dict, List};

use super::{Changing, Ground, Kept, LONG, Number, Way, account};
use crate::compound;
use crate::compound::Succession;
use crate::scenes::{Entry, scene};
use crate::victim::Steps;

/// Two lines of cache for each entry, which stands in place.
type InPlace = Dict<u64, [u64; 8]>;
type Encoded = Dict<String, String>;

pub(super) const SCENES: &[Entry] = &[
    scene::<Changing<First<InPlace>>>(),
    scene::<Changing<Insert<InPlace>>>(),
    scene::<Changing<Insert<Encoded>>>(),
    scene::<Changing<Over<InPlace>>>(),
    scene::<Changing<Over<Encoded>>>(),
    scene::<Changing<Resize<Encoded>>>(),
    scene::<Changing<Update<InPlace>>>(),
    scene::<Changing<Update<Encoded>>>(),
    scene::<Changing<UpdateOrInsert<InPlace>>>(),
    scene::<Changing<UpdateOrInsert<Encoded>>>(),
    scene::<Changing<CompareExchange<InPlace>>>(),
    scene::<Changing<CompareExchange<Encoded>>>(),
    scene::<Changing<Remove<InPlace>>>(),
    scene::<Changing<Remove<Encoded>>>(),
    scene::<Changing<Grow<InPlace>>>(),
    scene::<Changing<Grow<Encoded>>>(),
    scene::<Changing<Rehash<InPlace>>>(),
    scene::<Changing<Rehash<Encoded>>>(),
    scene::<Changing<Clear<InPlace>>>(),
    scene::<Changing<Clear<Encoded>>>(),
    scene::<Changing<ClearParts<InPlace>>>(),
    (<Changing<Insert<InPlace>> as Succession>::NAME, compound::run::<Changing<Insert<InPlace>>>),
    (<Changing<Remove<Encoded>> as Succession>::NAME, compound::run::<Changing<Remove<Encoded>>>),
];

/// Keys are below this; one who works on uses others.
const KEYS: u8 = 10;
/// What the victim is about.
const KEY: u8 = 3;

impl<K: Number + Hash + Eq, V: Number> Kept for Dict<K, V> {
    type Part = (u8, u8);

    fn of(parts: &[(u8, u8)]) -> Self {
        Self::from_iter(parts.iter().map(|(key, value)| (K::of(*key), V::of(*value)))).unwrap()
    }
    fn contents(&self) -> Vec<(u8, u8)> {
        let entries = self.to_map().unwrap().into_iter();
        let found: BTreeSet<_> =
            entries.map(|(key, value)| (key.number(), value.number())).collect();
        assert_eq!(self.len(), found.len());
        found.into_iter().collect()
    }
    fn seen(&self) -> Vec<(u8, u8)> {
        let keys = (0..KEYS).map(|key| (key, self.get(&K::of(key))));
        keys.filter_map(|(key, value)| value.map(|value| (key, value.number()))).collect()
    }
    fn touch(&self, way: usize) {
        let keys = || (0..KEYS).map(K::of);
        match way {
            0 => keys().for_each(|key| {
                if let Some(value) = self.remove(&key).unwrap() {
                    self.insert(key, value).unwrap();
                }
            }),
            1 => keys().for_each(|key| _ = self.update(&key, |_| ()).unwrap()),
            2 => drop(self.to_map().unwrap()),
            3 => drop(self.seen()),
            _ => keys().for_each(|key| {
                self.update_or_insert(key.clone(), V::of(100), |_| ()).unwrap();
                if self.get(&key) == Some(V::of(100)) {
                    self.remove(&key).unwrap();
                }
            }),
        }
    }
    fn works_on(&self) {
        for key in [K::of(KEYS), K::of(KEYS + 1)] {
            assert!(self.insert(key.clone(), V::of(1)).unwrap().is_none());
            assert!(self.insert(key.clone(), V::of(2)).unwrap() == Some(V::of(1)));
            assert!(self.get(&key) == Some(V::of(2)));
            assert!(self.remove(&key).unwrap() == Some(V::of(2)));
            assert!(self.get(&key).is_none());
        }
    }
    fn clear(&self) {
        Dict::clear(self).unwrap();
    }
    fn follow(&self) {
        self.insert(K::of(KEY), V::of(200)).unwrap();
    }
    fn followed(parts: &[(u8, u8)]) -> Vec<(u8, u8)> {
        let others = parts.iter().copied().filter(|(key, _)| *key != KEY);
        let all: BTreeSet<_> = others.chain([(KEY, 200)]).collect();
        all.into_iter().collect()
    }
    fn blocks(&self, parts: &[(u8, u8)]) -> usize {
        1 + if K::IN_BLOCKS || V::IN_BLOCKS { parts.len() } else { 0 }
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(self)
    }
}

/// A dict in another collection, which has one part: what happens is the same each time, but for the slots.
struct Inner<D: 'static> {
    outer: List<D>,
    dict: D,
}

impl<D> Deref for Inner<D> {
    type Target = D;
    fn deref(&self) -> &D {
        &self.dict
    }
}

impl<K: Number + Hash + Eq, V: Number> Kept for Inner<Dict<K, V>> {
    type Part = (u8, u8);

    fn of(parts: &[(u8, u8)]) -> Self {
        let outer = List::from([Dict::of(parts)]).unwrap();
        let dict = outer.get(0).unwrap();
        Self { outer, dict }
    }
    fn contents(&self) -> Vec<(u8, u8)> {
        self.dict.contents()
    }
    fn seen(&self) -> Vec<(u8, u8)> {
        self.dict.seen()
    }
    fn touch(&self, way: usize) {
        self.dict.touch(way);
    }
    fn works_on(&self) {
        self.dict.works_on();
    }
    fn clear(&self) {
        Kept::clear(&self.dict);
    }
    fn follow(&self) {
        self.dict.follow();
    }
    fn followed(parts: &[(u8, u8)]) -> Vec<(u8, u8)> {
        Dict::<K, V>::followed(parts)
    }
    fn blocks(&self, parts: &[(u8, u8)]) -> usize {
        // The list, and the item that refers to the dict.
        2 + self.dict.blocks(parts)
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(&self.outer)
    }
}

/// A dict in memory of its own, which has parts.
type Outer<D> = D;

/// Ways for both kinds of entries.
macro_rules! ways {
    ($($way:ident, $of:ident, $name:literal, $states:expr, $ready:expr, |$dict:ident, $steps:ident| $body:expr;)*) => {$(
        struct $way<D>(PhantomData<D>);

        impl<K: Number + Hash + Eq, V: Number> $way<Dict<K, V>> {
            fn go($dict: &Dict<K, V>, $steps: &Steps<'_>) {
                $steps.begin();
                $body;
                let states: &[&[(u8, u8)]] = $states;
                $steps.done(states.len() as u32 - 1);
            }
        }

        impl Way for $way<InPlace> {
            type Of = $of<InPlace>;
            const NAME: &'static str = concat!("dict: ", $name);
            const TWO_DEATHS: &'static str = concat!("dict: ", $name, ", and two deaths");
            const STATES: &'static [&'static [(u8, u8)]] = $states;
            fn ready() -> Self::Of {
                $ready(Self::STATES[0])
            }
            fn run(dict: &Self::Of, steps: &Steps<'_>) {
                Self::go(dict, steps);
            }
        }

        impl Way for $way<Encoded> {
            type Of = $of<Encoded>;
            const NAME: &'static str = concat!("dict, encoded: ", $name);
            const TWO_DEATHS: &'static str = concat!("dict, encoded: ", $name, ", and two deaths");
            const STATES: &'static [&'static [(u8, u8)]] = $states;
            fn ready() -> Self::Of {
                $ready(Self::STATES[0])
            }
            fn run(dict: &Self::Of, steps: &Steps<'_>) {
                Self::go(dict, steps);
            }
        }
    )*};
}

ways! {
    First, Outer, "insert into an empty one", &[&[], &[(3, 3)]], Kept::of,
        |dict, steps| dict.insert(K::of(KEY), V::of(3)).unwrap();
    Insert, Inner, "insert", &[&[(1, 1), (2, 2)], &[(1, 1), (2, 2), (3, 3)]], Kept::of,
        |dict, steps| dict.insert(K::of(KEY), V::of(3)).unwrap();
    Over, Inner, "insert over another value", &[&[(2, 2), (3, 3)], &[(2, 2), (3, 4)]], Kept::of,
        |dict, steps| dict.insert(K::of(KEY), V::of(4)).unwrap();
    Resize, Inner, "insert over a shorter value, and over a longer one", &[
        &[(2, 2), (3, 3)],
        &[(2, 2), (3, LONG)],
        &[(2, 2), (3, 4)],
    ], Kept::of, |dict, steps| {
        dict.insert(K::of(KEY), V::of(LONG)).unwrap();
        steps.done(1);
        dict.insert(K::of(KEY), V::of(4)).unwrap()
    };
    Update, Inner, "update", &[&[(3, 3)], &[(3, 6)]], Kept::of,
        |dict, steps| dict.update(&K::of(KEY), |value| *value = V::of(6)).unwrap();
    UpdateOrInsert, Inner, "update_or_insert", &[&[(1, 1)], &[(1, 1), (3, 5)]], Kept::of,
        |dict, steps| dict.update_or_insert(K::of(KEY), V::of(4), |value| *value = V::of(5)).unwrap();
    CompareExchange, Inner, "compare_exchange", &[&[(3, 3)], &[(3, 8)]], Kept::of,
        |dict, steps| dict.compare_exchange(&K::of(KEY), &V::of(3), V::of(8)).unwrap();
    Remove, Inner, "remove", &[&[(2, 2), (3, 3), (4, 4)], &[(2, 2), (4, 4)]], Kept::of,
        |dict, steps| dict.remove(&K::of(KEY)).unwrap();
    Grow, Inner, "insert where the table grows", &[
        &[(1, 1), (2, 2), (4, 4), (5, 5), (6, 6), (7, 7)],
        &[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)],
    ], Kept::of, |dict, steps| dict.insert(K::of(KEY), V::of(3)).unwrap();
    Rehash, Inner, "insert where removed entries are in the way", &[
        &[(1, 1), (2, 2), (4, 4)],
        &[(1, 1), (2, 2), (3, 3), (4, 4)],
    ], worn_out, |dict, steps| dict.insert(K::of(KEY), V::of(3)).unwrap();
    Clear, Inner, "clear", &[&[(1, 1), (2, 2), (3, 3)], &[]], Kept::of,
        |dict, steps| dict.clear().unwrap();
    ClearParts, Outer, "clear all of several parts", &[&[(1, 1), (2, 2), (3, 3)], &[]], Kept::of,
        |dict, steps| dict.clear().unwrap();
}

/// A dict with this in it, in which so many others were that the next one makes the table anew, as large as before.
fn worn_out<K: Number + Hash + Eq, V: Number>(parts: &[(u8, u8)]) -> Inner<Dict<K, V>> {
    for _ in 0..1000 {
        let (dict, ground) = Ground::under(|| Inner::<Dict<K, V>>::of(parts));
        // What goes before the next is put in, which leaves the slot to others or does not.
        (KEYS..50).map(K::of).for_each(|key| {
            dict.insert(key.clone(), V::of(1)).unwrap();
            dict.remove(&key).unwrap();
        });
        let picture = ground.picture();
        let (_, before) = dict.account();
        dict.insert(K::of(KEY), V::of(3)).unwrap();
        let (_, after) = dict.account();
        if before != after {
            ground.restore(&picture);
            assert_eq!(dict.contents(), parts);
            return dict;
        }
    }
    panic!("no table is ever made anew");
}
