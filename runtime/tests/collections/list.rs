//! Each method of `List` by itself, with items of every kind; errors, and what is left as it was after one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use offspring::__private::audit::usage;
use offspring::__private::serde::ser::Error as _;
use offspring::__private::serde::{Deserialize, Deserializer, Serialize, Serializer};
use offspring::sync::LockError;
use offspring::{Error, List};

use crate::samples::{Large, Letter, Pair, Point, Sample, Wide};

/// Beside std's own vector.
fn assert_works<T: Sample>(items: u64) -> offspring::Result<()> {
    let list = List::<T>::new()?;
    let empty = usage(&list)?;
    let mut vector = Vec::new();
    assert!(list.is_empty() && list.first().is_none() && list.last().is_none());
    assert_eq!(list.pop()?, None);
    for seed in 0..items {
        list.push(T::make(seed))?;
        vector.push(T::make(seed));
    }
    assert_is(&list, &vector)?;
    assert_changes(&list, &mut vector)?;
    assert_moves(&list, &mut vector)?;
    assert_is(&list, &vector)?;
    let more = || (0..items).map(|seed| T::make(seed + 11));
    list.extend(more())?;
    vector.extend(more());
    list.extend([])?;
    assert_is(&list, &vector)?;
    while let Some(item) = vector.pop() {
        assert_eq!(list.pop()?, Some(item));
    }
    assert_is(&list, &vector)?;
    list.extend(more())?;
    list.clear()?;
    list.clear()?;
    assert_is(&list, &[])?;
    assert_eq!(usage(&list)?.blocks, empty.blocks, "nothing is lost");
    assert_eq!(usage(&list)?.bytes, empty.bytes);
    Ok(())
}

fn assert_changes<T: Sample>(list: &List<T>, vector: &mut [T]) -> offspring::Result<()> {
    let len = vector.len();
    for (index, item) in vector.iter_mut().enumerate() {
        let (new, other) = (T::make(index as u64 + 5), T::make(index as u64 + 6));
        assert_eq!(list.set(index, new.clone())?.as_ref(), Some(&*item));
        if other != new {
            let found = list.compare_exchange(index, &other, other.clone())?;
            assert_eq!(found, Some(Err(new.clone())));
        }
        assert_eq!(list.compare_exchange(index, &new, other.clone())?, Some(Ok(new)));
        *item = T::make(index as u64 + 7);
        let before = list.update(index, |it| std::mem::replace(it, item.clone()))?;
        assert_eq!(before, Some(other));
    }
    for index in [len, len + 1, len + 100, usize::MAX] {
        assert_eq!((list.get(index), list.try_get(index)?), (None, None));
        assert_eq!(list.set(index, T::make(1))?, None);
        assert_eq!(list.remove(index)?, None);
        assert_eq!(list.update(index, |_| panic!("it is not there"))?, None::<()>);
        assert_eq!(list.compare_exchange(index, &T::make(1), T::make(2))?, None);
        list.truncate(index)?;
    }
    Ok(())
}

fn assert_moves<T: Sample>(list: &List<T>, vector: &mut Vec<T>) -> offspring::Result<()> {
    for index in [0, 1, vector.len() / 2, vector.len() + 3, usize::MAX] {
        list.insert(index, T::make(40))?;
        vector.insert(index.min(vector.len()), T::make(40));
        assert_is(list, vector)?;
    }
    for index in [0, 2, vector.len() / 2, vector.len() - 4] {
        assert_eq!(list.remove(index)?, Some(vector.remove(index)));
        assert_is(list, vector)?;
    }
    let count = list.update_all(|items| {
        assert_eq!(*items, *vector);
        items.reverse();
        items.push(T::make(50));
        items.len()
    })?;
    vector.reverse();
    vector.push(T::make(50));
    assert_eq!(count, vector.len());
    assert_is(list, vector)?;
    let mut number = 0;
    let mut is_kept = || {
        number += 1;
        number % 3 != 1
    };
    list.retain(|_| is_kept())?;
    number = 0;
    vector.retain(|_| {
        number += 1;
        number % 3 != 1
    });
    assert_is(list, vector)?;
    list.truncate(vector.len() / 2)?;
    vector.truncate(vector.len() / 2);
    Ok(())
}

fn assert_is<T: Sample>(list: &List<T>, vector: &[T]) -> offspring::Result<()> {
    assert_eq!((list.len(), list.is_empty()), (vector.len(), vector.is_empty()));
    assert_eq!(list.to_vec()?, vector);
    assert_eq!(list.iter().collect::<Vec<_>>(), vector);
    assert_eq!((list.first().as_ref(), list.last().as_ref()), (vector.first(), vector.last()));
    for (index, item) in vector.iter().enumerate() {
        assert_eq!(list.get(index).as_ref(), Some(item));
        assert_eq!(list.try_get(index)?.as_ref(), Some(item));
    }
    assert!(vector.last().is_none_or(|item| list.contains(item)));
    assert!(!list.contains(&T::make(4321)) || vector.contains(&T::make(4321)));
    usage(list).map(drop)
}

#[test]
fn items_in_place() -> offspring::Result<()> {
    assert_works::<u64>(300)?;
    assert_works::<u8>(300)?;
    assert_works::<u128>(100)?;
    assert_works::<[u8; 3]>(100)?;
    assert_works::<[u64; 8]>(100)?;
    assert_works::<(u16, bool)>(100)?;
    assert_works::<Wide>(100)?;
    assert_works::<Point>(100)?;
    assert_works::<Pair>(100)
}

#[test]
fn items_in_blocks() -> offspring::Result<()> {
    assert_works::<String>(200)?;
    assert_works::<Vec<u32>>(100)?;
    assert_works::<Letter>(100)?;
    assert_works::<Option<(u8, String)>>(100)
}

#[test]
fn items_of_no_bytes() -> offspring::Result<()> {
    assert_works::<()>(100)
}

#[test]
fn items_of_megabytes() -> offspring::Result<()> {
    assert_works::<Large>(2)
}

#[test]
fn memory_goes_back_when_it_is_cleared() -> offspring::Result<()> {
    let list = List::from_iter(0..10_u64)?;
    list.clear()?;
    let before = usage(&list)?.reserved;
    list.extend(0..1_000_000)?;
    assert!(usage(&list)?.reserved > before + (7 << 20));
    list.clear()?;
    let after = usage(&list)?.reserved;
    assert!(after < before + (1 << 20), "{before} bytes, then {after}");
    Ok(())
}

#[test]
fn made_of_items() -> offspring::Result<()> {
    assert_eq!(List::from(['a', 'b'])?.to_vec()?, ['a', 'b']);
    assert_eq!(List::from_iter("to be".split(' ').map(str::to_owned))?.to_vec()?, ["to", "be"]);
    let numbers = List::from_iter(0..1000_u32)?;
    assert_eq!(List::from_iter(&numbers)?.to_vec()?, numbers.to_vec()?);
    assert!(List::<String>::from([])?.is_empty());
    // Itself, twice.
    numbers.extend(&numbers)?;
    assert_eq!((numbers.len(), numbers.get(1999)), (2000, Some(999)));
    Ok(())
}

#[test]
fn shown_as_a_list() -> offspring::Result<()> {
    assert_eq!(format!("{:?}", List::from([1, 2])?), "[1, 2]");
    assert_eq!(format!("{:?}", List::<u8>::new()?), "[]");
    assert_eq!(format!("{:?}", List::from(["a".to_owned()])?.iter()), "Iter { next: 0, .. }");
    Ok(())
}

#[test]
fn clones_lead_to_the_same() -> offspring::Result<()> {
    let list = List::from([1])?;
    let other = list.clone();
    other.push(2)?;
    assert_eq!(list.to_vec()?, [1, 2]);
    assert!(list.ptr_eq(&other) && !list.ptr_eq(&List::from([1, 2])?));
    Ok(())
}

/// Can be encoded, but for one, and decoded, but for another.
#[derive(Clone, Debug, PartialEq)]
struct Moody(u32);

const UNSENDABLE: u32 = 13;
const UNREADABLE: u32 = 14;

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == UNSENDABLE {
            return Err(S::Error::custom("not today"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use offspring::__private::serde::de::Error as _;
        match u32::deserialize(deserializer)? {
            UNREADABLE => Err(D::Error::custom("cannot be read")),
            number => Ok(Self(number)),
        }
    }
}

#[test]
fn what_cannot_be_encoded_changes_nothing() -> offspring::Result<()> {
    let list = List::from([Moody(1), Moody(2)])?;
    let before = usage(&list)?;
    let bad = || Moody(UNSENDABLE);
    for error in [
        list.push(bad()).unwrap_err(),
        list.set(0, bad()).unwrap_err(),
        list.insert(0, bad()).unwrap_err(),
        list.update(0, |item| *item = bad()).unwrap_err(),
        list.update_all(|items| items.push(bad())).unwrap_err(),
        list.extend([Moody(3), bad()]).unwrap_err(),
        list.compare_exchange(0, &Moody(1), bad()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Encode { .. }), "{error}");
        assert!(error.to_string().contains("serde code refused it"), "{error}");
    }
    assert_eq!(list.to_vec()?, [Moody(1), Moody(2)]);
    assert_eq!(usage(&list)?, before);
    Ok(())
}

#[test]
fn what_cannot_be_decoded_is_said() -> offspring::Result<()> {
    let list = List::from([Moody(1), Moody(UNREADABLE)])?;
    assert_eq!((list.get(1), list.last(), list.len()), (None, None, 2));
    for error in [
        list.try_get(1).map(drop).unwrap_err(),
        list.pop().map(drop).unwrap_err(),
        list.set(1, Moody(3)).map(drop).unwrap_err(),
        list.remove(1).map(drop).unwrap_err(),
        list.update(1, |_| ()).map(drop).unwrap_err(),
        list.to_vec().map(drop).unwrap_err(),
        list.retain(|_| true).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Decode { .. }), "{error}");
    }
    // It can be taken away all the same.
    list.truncate(1)?;
    assert_eq!(list.to_vec()?, [Moody(1)]);
    Ok(())
}

#[track_caller]
fn assert_inside<T: std::fmt::Debug>(result: offspring::Result<T>) {
    assert!(matches!(result, Err(Error::Lock(LockError::Deadlock))), "{result:?}");
}

fn assert_refuses_its_own<T: Sample>() -> offspring::Result<()> {
    let list = List::from([T::make(0), T::make(1)])?;
    let from_inside = || {
        assert_eq!((list.get(0), list.get(1), list.len()), (Some(T::make(0)), Some(T::make(1)), 2));
        assert_eq!(list.iter().count(), 2);
        assert_inside(list.push(T::make(9)));
        assert_inside(list.pop());
        assert_inside(list.set(1, T::make(9)));
        assert_inside(list.insert(0, T::make(9)));
        assert_inside(list.remove(0));
        assert_inside(list.try_get(0));
        assert_inside(list.to_vec());
        assert_inside(list.clear());
        assert_inside(list.truncate(0));
        assert_inside(list.extend([T::make(9)]));
        assert_inside(list.update(1, |_| panic!("never called")).map(|_: Option<()>| ()));
        assert_inside(list.update_all(|_| panic!("never called")).map(|(): ()| ()));
        assert_inside(list.retain(|_| panic!("never called")));
        assert_inside(list.compare_exchange(0, &T::make(0), T::make(1)));
    };
    assert_eq!(list.update(0, |_| from_inside())?, Some(()));
    list.update_all(|_| from_inside())?;
    list.retain(|_| {
        from_inside();
        true
    })?;
    assert_eq!(list.to_vec()?, [T::make(0), T::make(1)]);
    usage(&list).map(drop)
}

#[test]
fn inside_of_its_own_update() -> offspring::Result<()> {
    assert_refuses_its_own::<u64>()?;
    assert_refuses_its_own::<[u64; 8]>()?;
    assert_refuses_its_own::<String>()
}

#[test]
fn a_panic_changes_nothing_and_locks_nothing() -> offspring::Result<()> {
    fn assert_survives<T: Sample>() -> offspring::Result<()> {
        let list = List::from_iter((0..50).map(T::make))?;
        let (before, all) = (usage(&list)?, list.to_vec()?);
        let panics = |what: &dyn Fn()| catch_unwind(AssertUnwindSafe(what)).unwrap_err();
        panics(&|| {
            let _ = list.update(7, |item| {
                *item = T::make(99);
                panic!("in an update")
            });
        });
        panics(&|| {
            let _ = list.update_all(|items| {
                items.clear();
                panic!("in an update")
            });
        });
        panics(&|| _ = list.retain(|_| panic!("in what says what to keep")));
        panics(&|| _ = list.extend((0..10).map(|_| panic!("in what makes items"))));
        assert_eq!((list.to_vec()?, usage(&list)?), (all, before));
        list.push(T::make(1))
    }
    assert_survives::<u64>()?;
    assert_survives::<[u64; 8]>()?;
    assert_survives::<String>()
}
