//! Scenes of lists in a dict: they come in, go, and are freed as a whole, when nothing leads to them and nobody who lives has a handle.

use std::collections::BTreeSet;

use offspring::__private::audit::Usage;
use offspring::{Dict, List};

use super::{Changing, Kept, Number, Way, account};
use crate::compound;
use crate::compound::Succession;
use crate::scenes::{Entry, scene};
use crate::victim::Steps;

pub(super) const SCENES: &[Entry] = &[
    scene::<Changing<Insert>>(),
    scene::<Changing<InsertOwn>>(),
    scene::<Changing<Over>>(),
    scene::<Changing<Get>>(),
    scene::<Changing<Remove>>(),
    scene::<Changing<RemoveOthers>>(),
    scene::<Changing<LastHandle>>(),
    scene::<Changing<Clear>>(),
    (<Changing<Remove> as Succession>::NAME, compound::run::<Changing<Remove>>),
];

type Dicts = Dict<String, List<u64>>;

/// In a list, so that the dict has one part, and what happens is the same each time. A part of it is an item of a list, with
/// the key of that.
struct Groups {
    outer: List<Dicts>,
    dict: Dicts,
    /// What a survivor had a handle of all the time.
    held: Option<List<u64>>,
}

const KEY: u8 = 3;
/// What a survivor puts in.
const OWN: u8 = 50;

fn key(number: u8) -> String {
    String::of(number)
}

fn list(items: &[u8]) -> List<u64> {
    List::of(items)
}

impl Groups {
    /// Items of a list, with its key.
    fn with_key(of: u8, list: &List<u64>) -> Vec<(u8, u8)> {
        list.contents().into_iter().map(|item| (of, item)).collect()
    }

    fn keys(parts: &[(u8, u8)]) -> BTreeSet<u8> {
        parts.iter().map(|(key, _)| *key).collect()
    }
}

impl Kept for Groups {
    type Part = (u8, u8);

    fn of(parts: &[(u8, u8)]) -> Self {
        let outer = List::from([Dict::new().unwrap()]).unwrap();
        let dict = outer.get(0).unwrap();
        for of in Self::keys(parts) {
            let items: Vec<u8> =
                parts.iter().filter(|(key, _)| *key == of).map(|(_, item)| *item).collect();
            dict.insert(key(of), list(&items)).unwrap();
        }
        Self { outer, dict, held: None }
    }
    fn contents(&self) -> Vec<(u8, u8)> {
        let lists = self.dict.to_map().unwrap();
        let mut found: Vec<_> =
            lists.iter().flat_map(|(key, list)| Self::with_key(key.number(), list)).collect();
        found.sort_by_key(|(key, _)| *key);
        found
    }
    fn seen(&self) -> Vec<(u8, u8)> {
        let lists = (0..10).filter_map(|of| Some((of, self.dict.get(&key(of))?)));
        let items = |(of, list): (u8, List<u64>)| list.seen().into_iter().map(move |it| (of, it));
        lists.flat_map(items).collect()
    }
    fn touch(&self, way: usize) {
        match way {
            0 => {
                if let Some(list) = self.dict.remove(&key(KEY)).unwrap() {
                    self.dict.insert(key(KEY), list).unwrap();
                }
            }
            1 => (0..10).filter_map(|of| self.dict.get(&key(of))).for_each(|list| list.touch(0)),
            2 => drop(self.dict.to_map().unwrap()),
            3 => drop(self.seen()),
            _ => {
                self.dict.insert(key(OWN), list(&[1])).unwrap();
                assert_eq!(self.dict.remove(&key(OWN)).unwrap().unwrap().contents(), [1]);
            }
        }
    }
    fn works_on(&self) {
        // What a dead one had made, or taken out, goes with the next that is taken out.
        self.dict.insert(key(OWN), list(&[1, 2])).unwrap();
        let own = self.dict.get(&key(OWN)).unwrap();
        own.push(u64::of(3)).unwrap();
        assert_eq!(self.dict.remove(&key(OWN)).unwrap().unwrap().contents(), [1, 2, 3]);
        assert!(self.dict.get(&key(OWN)).is_none());
        assert_eq!(self.account().0.orphans, 1);
        own.works_on();
        drop(own);
        assert_eq!(self.account().0.orphans, 0);
    }
    fn settle(&mut self) {
        if let Some(held) = self.held.take() {
            held.works_on();
            assert_eq!(held.contents(), [30, 31]);
        }
        self.dict.insert(key(OWN), list(&[])).unwrap();
        drop(self.dict.remove(&key(OWN)).unwrap());
    }
    fn clear(&self) {
        self.dict.clear().unwrap();
    }
    fn follow(&self) {
        self.dict.remove(&key(KEY)).unwrap();
    }
    fn followed(parts: &[(u8, u8)]) -> Vec<(u8, u8)> {
        parts.iter().copied().filter(|(key, _)| *key != KEY).collect()
    }
    fn blocks(&self, parts: &[(u8, u8)]) -> usize {
        // The outer list with its item, the dict; and a list with its entry for each key.
        3 + 2 * Self::keys(parts).len()
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(&self.outer)
    }
}

macro_rules! ways {
    ($($way:ident, $name:literal, $states:expr, $ready:expr, |$groups:ident, $steps:ident| $body:block;)*) => {$(
        struct $way;

        impl Way for $way {
            type Of = Groups;
            const NAME: &'static str = concat!("dict of lists: ", $name);
            const TWO_DEATHS: &'static str = concat!("dict of lists: ", $name, ", and two deaths");
            const STATES: &'static [&'static [(u8, u8)]] = $states;
            fn ready() -> Groups {
                let ready: fn(&[(u8, u8)]) -> Groups = $ready;
                ready(Self::STATES[0])
            }
            fn run($groups: &Groups, $steps: &Steps<'_>) {
                $body
            }
        }
    )*};
}

/// A survivor has a handle of what the victim is about.
fn with_handle(parts: &[(u8, u8)]) -> Groups {
    let mut groups = Groups::of(parts);
    groups.held = groups.dict.get(&key(KEY));
    groups
}

const WITHOUT: &[(u8, u8)] = &[(1, 10)];
const WITH: &[(u8, u8)] = &[(1, 10), (KEY, 30), (KEY, 31)];

ways! {
    Insert, "insert a list, which moves in", &[WITHOUT, WITH], Groups::of, |groups, steps| {
        let new = list(&[30, 31]);
        steps.begin();
        groups.dict.insert(key(KEY), new).unwrap();
        steps.done(1);
    };
    InsertOwn, "make a list in its memory, fill it, insert it", &[WITHOUT, WITH], Groups::of, |groups, steps| {
        steps.begin();
        let new = List::new_in(&groups.dict).unwrap();
        new.extend([30, 31].map(u64::of)).unwrap();
        groups.dict.insert(key(KEY), new).unwrap();
        steps.done(1);
    };
    Over, "insert over another list", &[
        &[(1, 10), (KEY, 20), (KEY, 21)],
        &[(1, 10), (KEY, 30)],
    ], Groups::of, |groups, steps| {
        let new = List::new_in(&groups.dict).unwrap();
        new.push(u64::of(30)).unwrap();
        steps.begin();
        groups.dict.insert(key(KEY), new).unwrap();
        steps.done(1);
    };
    Get, "get a list, push to it, let go of it", &[
        &[(KEY, 30)],
        &[(KEY, 30)],
        &[(KEY, 30), (KEY, 31)],
        &[(KEY, 30), (KEY, 31)],
    ], Groups::of, |groups, steps| {
        steps.begin();
        let list = groups.dict.get(&key(KEY)).unwrap();
        steps.done(1);
        list.push(u64::of(31)).unwrap();
        steps.done(2);
        drop(list);
        steps.done(3);
    };
    Remove, "remove a list, and let go of it", &[WITH, WITHOUT, WITHOUT], Groups::of, |groups, steps| {
        steps.begin();
        let list = groups.dict.remove(&key(KEY)).unwrap();
        steps.done(1);
        drop(list);
        steps.done(2);
    };
    RemoveOthers, "remove a list that another has a handle of", &[WITH, WITHOUT], with_handle, |groups, steps| {
        steps.begin();
        groups.dict.remove(&key(KEY)).unwrap();
        steps.done(1);
    };
    LastHandle, "let go of a list that nothing refers to", &[WITHOUT, WITHOUT], |_| Groups::of(WITH), |groups, steps| {
        let list = groups.dict.remove(&key(KEY)).unwrap();
        steps.begin();
        drop(list);
        steps.done(1);
    };
    Clear, "clear", &[WITH, &[]], Groups::of, |groups, steps| {
        steps.begin();
        groups.dict.clear().unwrap();
        steps.done(1);
    };
}
