//! Scenes of `Value`: one line of cache, or a block.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use offspring::__private::audit::Usage;
use offspring::Value;

use super::{Changing, Kept, LONG, Number, Way, account};
use crate::scenes::{Entry, scene};
use crate::victim::Steps;

type InPlace = Value<[u64; 8]>;
type Encoded = Value<String>;

pub(super) const SCENES: &[Entry] =
    &[scene::<Changing<Update<InPlace>>>(), scene::<Changing<Update<Encoded>>>()];

/// The number 0 stands for nothing.
impl<T: Number> Kept for Value<T> {
    type Part = u8;

    fn of(parts: &[u8]) -> Self {
        Self::new(T::of(parts[0])).unwrap()
    }
    fn contents(&self) -> Vec<u8> {
        let number = self.try_get().unwrap().number();
        [number].into_iter().filter(|number| *number != 0).collect()
    }
    fn seen(&self) -> Vec<u8> {
        vec![self.get().number()]
    }
    fn touch(&self, way: usize) {
        match way {
            0 => self.update(|_| ()).unwrap(),
            1 => {
                let before = self.swap(T::of(100)).unwrap();
                assert!(self.compare_exchange(&T::of(100), before).unwrap() == Ok(T::of(100)));
            }
            2 => drop(self.try_get().unwrap()),
            _ => drop(self.seen()),
        }
    }
    fn works_on(&self) {
        let before = self.swap(T::of(101)).unwrap();
        assert!(self.get() == T::of(101));
        self.set(before).unwrap();
    }
    fn clear(&self) {
        self.set(T::of(0)).unwrap();
    }
    fn follow(&self) {
        self.set(T::of(102)).unwrap();
    }
    fn followed(_: &[u8]) -> Vec<u8> {
        vec![102]
    }
    fn blocks(&self, _: &[u8]) -> usize {
        1 + usize::from(T::IN_BLOCKS)
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(self)
    }
}

struct Update<V>(PhantomData<V>);

impl<T: Number> Update<Value<T>> {
    const STATES: &'static [&'static [u8]] = &[&[3], &[4], &[6], &[LONG]];

    fn go(value: &Value<T>, steps: &Steps<'_>) {
        steps.begin();
        value.set(T::of(4)).unwrap();
        steps.done(1);
        value.update(|value| *value = T::of(6)).unwrap();
        steps.done(2);
        assert!(value.compare_exchange(&T::of(6), T::of(LONG)).unwrap().is_ok());
        steps.done(3);
    }
}

impl Way for Update<InPlace> {
    type Of = InPlace;
    const NAME: &'static str = "value: set, update, compare_exchange";
    const STATES: &'static [&'static [u8]] = Self::STATES;
    fn run(value: &InPlace, steps: &Steps<'_>) {
        Self::go(value, steps);
    }
}

impl Way for Update<Encoded> {
    type Of = Encoded;
    const NAME: &'static str = "value, encoded: set, update, compare_exchange";
    const STATES: &'static [&'static [u8]] = Self::STATES;
    fn run(value: &Encoded, steps: &Steps<'_>) {
        Self::go(value, steps);
    }
}
