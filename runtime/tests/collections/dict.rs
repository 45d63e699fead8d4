//! Each method of `Dict` by itself, with keys and values of every kind; errors, and what is left as it was after one.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use offspring::__private::audit::usage;
use offspring::__private::serde::ser::Error as _;
use offspring::__private::serde::{Deserialize, Deserializer, Serialize, Serializer};
use offspring::sync::LockError;
use offspring::{Dict, Error};

use crate::samples::{Key, Large, Letter, Pair, Point, Sample, Wide};

/// One after the other with the same keys, beside std's own map.
fn assert_works<K: Key, V: Sample>(entries: u64) -> offspring::Result<()> {
    let dict = Dict::<K, V>::new()?;
    let empty = usage(&dict)?;
    let mut map = HashMap::new();
    assert!(dict.is_empty() && dict.get(&K::make(1)).is_none());
    for seed in 0..entries {
        let (key, value) = (K::make(seed), V::make(seed + 1));
        assert_eq!(dict.insert(key.clone(), value.clone())?, map.insert(key, value));
    }
    assert_is(&dict, &map)?;
    for seed in 0..entries {
        let key = K::make(seed);
        assert_eq!(dict.get(&key).as_ref(), map.get(&key));
        assert_eq!(dict.try_get(&key)?.as_ref(), map.get(&key));
        assert!(dict.contains_key(&key));
        assert_eq!(dict.get_or_insert_with(key.clone(), || panic!("it is there"))?, map[&key]);
    }
    assert_changes(&dict, &mut map, entries)?;
    assert_is(&dict, &map)?;
    assert_goes(&dict, &mut map, entries)?;
    assert_is(&dict, &map)?;
    dict.clear()?;
    assert!(dict.is_empty() && dict.iter().next().is_none() && dict.get(&K::make(0)).is_none());
    assert_eq!(usage(&dict)?.blocks, empty.blocks, "nothing is lost");
    assert_eq!(usage(&dict)?.bytes, empty.bytes);
    Ok(())
}

fn assert_changes<K: Key, V: Sample>(
    dict: &Dict<K, V>,
    map: &mut HashMap<K, V>,
    entries: u64,
) -> offspring::Result<()> {
    let absent = K::make(entries + 5);
    let is_absent = !map.contains_key(&absent);
    for seed in 0..entries {
        let (key, new) = (K::make(seed), V::make(seed + 2));
        let before = dict.update(&key, |value| std::mem::replace(value, new.clone()))?;
        assert_eq!(before, map.insert(key.clone(), new.clone()));
        let other = V::make(seed + 3);
        if other != new {
            assert_eq!(dict.compare_exchange(&key, &other, new.clone())?, Some(Err(new.clone())));
        }
        assert_eq!(dict.compare_exchange(&key, &new, other.clone())?, Some(Ok(new)));
        map.insert(key, other);
    }
    if is_absent {
        assert_eq!(dict.update(&absent, |_| panic!("it is not there"))?, None::<()>);
        assert_eq!(dict.compare_exchange(&absent, &V::make(1), V::make(2))?, None);
        assert_eq!(dict.get_or_insert_with(absent.clone(), || V::make(9))?, V::make(9));
        assert_eq!(dict.remove_entry(&absent)?, Some((absent.clone(), V::make(9))));
        let made = dict.update_or_insert(absent.clone(), V::make(4), |value| value.clone())?;
        assert_eq!(made, V::make(4));
        assert_eq!(dict.remove(&absent)?, Some(V::make(4)));
        assert_eq!(dict.remove(&absent)?, None);
    }
    for seed in 0..entries {
        let (key, new) = (K::make(seed), V::make(seed));
        dict.update_or_insert(key.clone(), V::make(99), |value| *value = new.clone())?;
        map.insert(key, new);
    }
    Ok(())
}

fn assert_goes<K: Key, V: Sample>(
    dict: &Dict<K, V>,
    map: &mut HashMap<K, V>,
    entries: u64,
) -> offspring::Result<()> {
    for key in (0..entries).step_by(3).map(K::make) {
        assert_eq!(dict.remove(&key)?, map.remove(&key));
        assert_eq!(dict.remove_entry(&key)?, None);
    }
    let kept: Vec<K> = (0..entries).step_by(2).map(K::make).collect();
    dict.retain(|key, value| {
        assert_eq!(map.get(key), Some(value));
        kept.contains(key)
    })?;
    map.retain(|key, _| kept.contains(key));
    let more = || (0..entries).step_by(5).map(|seed| (K::make(seed), V::make(seed + 7)));
    dict.extend(more())?;
    map.extend(more());
    Ok(())
}

fn assert_is<K: Key, V: Sample>(dict: &Dict<K, V>, map: &HashMap<K, V>) -> offspring::Result<()> {
    assert_eq!(dict.len(), map.len());
    assert_eq!(dict.to_map()?, *map);
    assert_eq!(dict.iter().count(), map.len(), "each one once");
    assert_eq!(dict.iter().collect::<HashMap<_, _>>(), *map);
    assert!(dict.keys().all(|key| map.contains_key(&key)) && dict.keys().count() == map.len());
    assert!(dict.values().all(|value| map.values().any(|other| *other == value)));
    usage(dict).map(drop)
}

#[test]
fn entries_in_place() -> offspring::Result<()> {
    assert_works::<u64, u64>(500)?;
    assert_works::<u64, [u64; 8]>(500)?;
    assert_works::<u8, u128>(200)?;
    assert_works::<u128, u8>(200)?;
    assert_works::<[u8; 3], (u16, bool)>(200)?;
    assert_works::<Point, Point>(200)?;
    assert_works::<Pair, Pair>(200)?;
    assert_works::<u64, [u8; 3]>(200)
}

#[test]
fn entries_in_blocks() -> offspring::Result<()> {
    assert_works::<String, String>(300)?;
    assert_works::<u64, String>(300)?;
    assert_works::<String, u64>(300)?;
    assert_works::<u64, Wide>(100)?;
    assert_works::<Vec<u32>, Letter>(100)?;
    assert_works::<Option<(u8, String)>, Point>(100)?;
    assert_works::<Wide, u128>(100)
}

#[test]
fn entries_of_no_bytes() -> offspring::Result<()> {
    assert_works::<u64, ()>(300)?;
    assert_works::<String, ()>(300)?;
    assert_works::<(), String>(10)?;
    assert_works::<(), u64>(10)?;
    assert_works::<(), ()>(10)
}

#[test]
fn entries_of_megabytes() -> offspring::Result<()> {
    assert_works::<u8, Large>(4)?;
    assert_works::<Large, u8>(4)
}

#[test]
fn large_values_give_their_memory_back() -> offspring::Result<()> {
    let dict = Dict::<u32, Large>::new()?;
    dict.insert(1, Large::of(1, 100))?;
    dict.remove(&1)?;
    let before = usage(&dict)?.reserved;
    dict.insert(1, Large::of(7, 20 << 20))?;
    assert!(usage(&dict)?.reserved >= before + (20 << 20));
    dict.update(&1, |value| value.0.truncate(10))?;
    let after = usage(&dict)?.reserved;
    assert!(after < before + (1 << 20), "{before} bytes, then {after}");
    assert_eq!(dict.get(&1), Some(Large::of(7, 10)));
    Ok(())
}

#[test]
fn made_of_entries() -> offspring::Result<()> {
    let dict: Dict<String, u32> = Dict::from([("one", 1), ("two", 2), ("one", 3)])?;
    assert_eq!(dict.to_map()?, HashMap::from([("one".to_owned(), 3), ("two".to_owned(), 2)]));
    let dict = Dict::from([(1_u8, 'a'), (2, 'b')])?;
    assert_eq!(dict.get(&2), Some('b'));
    let squares = Dict::from_iter((0..1000_u64).map(|it| (it, it * it)))?;
    assert_eq!((squares.len(), squares.get(&999)), (1000, Some(998_001)));
    let copy = Dict::from_iter(&squares)?;
    assert_eq!(copy.to_map()?, squares.to_map()?);
    assert!(!copy.ptr_eq(&squares));
    let empty: Dict<String, String> = Dict::from::<String, 0>([])?;
    assert!(empty.is_empty());
    Ok(())
}

#[test]
fn shown_as_a_map() -> offspring::Result<()> {
    let dict: Dict<String, Vec<u8>> = Dict::from([("a", vec![1, 2])])?;
    assert_eq!(format!("{dict:?}"), r#"{"a": [1, 2]}"#);
    assert_eq!(format!("{:?}", dict.iter()), "Iter { part: 0, .. }");
    assert_eq!(format!("{:?}", Dict::<u8, u8>::new()?), "{}");
    Ok(())
}

#[test]
fn clones_lead_to_the_same() -> offspring::Result<()> {
    let dict = Dict::from([(1, 2)])?;
    let other = dict.clone();
    other.insert(3, 4)?;
    assert_eq!(dict.get(&3), Some(4));
    assert!(dict.ptr_eq(&other) && !dict.ptr_eq(&Dict::new()?));
    drop(dict);
    assert_eq!(other.get(&1), Some(2));
    Ok(())
}

/// Can be encoded, or not, and decoded, or not.
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

#[track_caller]
fn assert_encode<T: std::fmt::Debug>(result: offspring::Result<T>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Encode { .. }), "{error}");
    assert!(error.to_string().contains("serde code refused it"), "{error}");
}

#[test]
fn what_cannot_be_encoded_changes_nothing() -> offspring::Result<()> {
    let dict = Dict::from([(1, Moody(1))])?;
    let before = usage(&dict)?;
    let bad = || Moody(UNSENDABLE);
    assert_encode(dict.insert(1, bad()));
    assert_encode(dict.insert(2, bad()));
    assert_encode(dict.update(&1, |value| *value = bad()));
    assert_encode(dict.update_or_insert(2, Moody(1), |value| *value = bad()));
    assert_encode(dict.get_or_insert_with(2, bad));
    assert_encode(dict.compare_exchange(&1, &Moody(1), bad()));
    assert_eq!(dict.to_map()?, HashMap::from([(1, Moody(1))]));
    assert_eq!(usage(&dict)?, before);
    assert_encode(dict.extend([(5, Moody(5)), (6, bad()), (7, Moody(7))]));
    assert_eq!(dict.to_map()?, HashMap::from([(1, Moody(1)), (5, Moody(5))]));
    Ok(())
}

#[test]
fn what_cannot_be_decoded_is_left_out_and_said() -> offspring::Result<()> {
    let dict = Dict::from([(1, Moody(1))])?;
    dict.insert(2, Moody(UNREADABLE))?;
    assert_eq!(dict.get(&2), None);
    for error in [
        dict.try_get(&2).map(drop).unwrap_err(),
        dict.update(&2, drop_it).map(drop).unwrap_err(),
        dict.remove(&2).map(drop).unwrap_err(),
        dict.to_map().map(drop).unwrap_err(),
        dict.retain(|_, _| true).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Decode { .. }), "{error}");
        assert!(error.to_string().contains("did not arrive"), "{error}");
    }
    assert_eq!(dict.iter().collect::<Vec<_>>(), [(1, Moody(1))]);
    assert_eq!(dict.len(), 2);
    dict.clear()?;
    assert_eq!(dict.len(), 0);
    Ok(())
}

fn drop_it<T>(_: &mut T) {}

#[track_caller]
fn assert_inside<T: std::fmt::Debug>(result: offspring::Result<T>) {
    assert!(matches!(result, Err(Error::Lock(LockError::Deadlock))), "{result:?}");
}

/// From inside of one's own `update`, of the same key: looking is possible, changing is not.
fn assert_refuses_its_own<K: Key, V: Sample>(seed: u64) -> offspring::Result<()> {
    let key = K::make(seed);
    let dict = Dict::<K, V>::from_iter([(key.clone(), V::make(1))])?;
    let result = dict.update(&key, |value| {
        assert_eq!(dict.get(&key), Some(V::make(1)));
        assert_eq!((dict.len(), dict.contains_key(&key)), (1, true));
        assert_inside(dict.insert(key.clone(), V::make(3)));
        assert_inside(dict.remove(&key));
        assert_inside(dict.update(&key, |_| panic!("never called")).map(|_: Option<()>| ()));
        assert_inside(dict.update_or_insert(key.clone(), V::make(2), drop_it));
        assert_inside(dict.get_or_insert_with(key.clone(), || panic!("never called")));
        assert_inside(dict.compare_exchange(&key, &V::make(1), V::make(2)));
        assert_inside(dict.try_get(&key));
        assert_inside(dict.retain(|_, _| false));
        assert_inside(dict.to_map());
        *value = V::make(4);
        5
    });
    assert_eq!(result?, Some(5));
    assert_eq!(dict.get(&key), Some(V::make(4)));
    dict.insert(key, V::make(6))?;
    usage(&dict).map(drop)
}

#[test]
fn inside_of_its_own_update() -> offspring::Result<()> {
    assert_refuses_its_own::<u64, u64>(1)?;
    assert_refuses_its_own::<u64, [u64; 8]>(2)?;
    assert_refuses_its_own::<String, String>(3)
}

/// What was put in meanwhile is cleared with all the rest, and its memory given back by the next one who comes by.
#[test]
fn cleared_from_inside_of_its_own_update() -> offspring::Result<()> {
    let dict = Dict::from_iter((0..100).map(|number| (number, number.to_string())))?;
    assert_eq!(
        dict.update(&7, |value| {
            assert_inside(dict.clear());
            assert!(dict.is_empty());
            *value = "new".to_owned();
        })?,
        Some(())
    );
    assert!(dict.is_empty() && dict.get(&7).is_none());
    dict.clear()?;
    assert_eq!(usage(&dict)?.blocks, 1);
    dict.insert(7, "again".to_owned())?;
    assert_eq!(dict.len(), 1);
    Ok(())
}

#[test]
fn a_panic_changes_nothing_and_locks_nothing() -> offspring::Result<()> {
    fn assert_survives<V: Sample>() -> offspring::Result<()> {
        let dict = Dict::from_iter((0..50_u64).map(|seed| (seed, V::make(seed))))?;
        let (before, all) = (usage(&dict)?, dict.to_map()?);
        let panics = |what: &dyn Fn()| catch_unwind(AssertUnwindSafe(what)).unwrap_err();
        panics(&|| {
            let _ = dict.update(&7, |value| {
                *value = V::make(99);
                panic!("in an update")
            });
        });
        panics(&|| _ = dict.update_or_insert(8, V::make(3), |_| panic!("in an update")));
        panics(&|| _ = dict.update_or_insert(100, V::make(3), |_| panic!("in an update")));
        panics(&|| _ = dict.get_or_insert_with(100, || panic!("in what makes a value")));
        panics(&|| _ = dict.retain(|_, _| panic!("in what says what to keep")));
        assert_eq!((dict.to_map()?, usage(&dict)?), (all, before));
        dict.insert(7, V::make(1))?;
        assert_eq!(dict.get(&7), Some(V::make(1)));
        Ok(())
    }
    assert_survives::<u64>()?;
    assert_survives::<[u64; 8]>()?;
    assert_survives::<String>()
}

/// Keys are found by what they can be borrowed as.
#[test]
fn looked_up_by_what_a_key_borrows_as() -> offspring::Result<()> {
    let dict: Dict<String, u32> = Dict::from([("a", 1)])?;
    assert_eq!((dict.get("a"), dict.get(&"a".to_owned())), (Some(1), Some(1)));
    assert_eq!(dict.update("a", |value| *value)?, Some(1));
    assert_eq!(dict.remove("a")?, Some(1));
    let dict: Dict<Vec<u8>, u32> = Dict::from([(vec![1, 2], 1)])?;
    assert_eq!(dict.get(&[1, 2][..]), Some(1));
    Ok(())
}

/// Many that are put in and taken out again leave no more behind than what was there.
#[test]
fn a_table_shrinks_with_what_is_in_it() -> offspring::Result<()> {
    let dict = Dict::from_iter((0..50_000_u64).map(|key| (key, key)))?;
    dict.retain(|key, _| key % 1000 == 0)?;
    assert_eq!(dict.keys().collect::<BTreeSet<_>>(), (0..50_000).step_by(1000).collect());
    (0..200_000_u64).try_for_each(|key| {
        dict.insert(key % 1000 + 1_000_000, key)?;
        dict.remove(&(key % 1000 + 1_000_000)).map(drop)
    })?;
    assert_eq!(dict.len(), 50);
    usage(&dict).map(drop)
}
