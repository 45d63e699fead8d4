//! Random operations, one after the other, beside std's `HashMap` and `Vec`: each result is the same, and at the end of each case all
//! memory is accounted for.

use std::collections::HashMap;

use offspring::__private::audit::usage;
use offspring::{Dict, List};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use crate::samples::{Key, Letter, Point, Sample, Wide};

#[derive(Clone, Copy, Debug)]
enum OnDict {
    Insert(u8, u16),
    Get(u8),
    Remove(u8),
    RemoveEntry(u8),
    Update(u8, u16),
    UpdateOrInsert(u8, u16),
    GetOrInsert(u8, u16),
    CompareExchange(u8, u16, u16),
    Extend(u8, u8),
    Retain(u8),
    Clear,
    Look,
}

fn on_dict() -> impl Strategy<Value = OnDict> {
    use OnDict::*;
    let (key, seed) = (any::<u8>, 0..50_u16);
    prop_oneof![
        30 => (key(), seed.clone()).prop_map(|(key, seed)| Insert(key, seed)),
        10 => key().prop_map(Get),
        15 => key().prop_map(Remove),
        5 => key().prop_map(RemoveEntry),
        10 => (key(), seed.clone()).prop_map(|(key, seed)| Update(key, seed)),
        10 => (key(), seed.clone()).prop_map(|(key, seed)| UpdateOrInsert(key, seed)),
        10 => (key(), seed.clone()).prop_map(|(key, seed)| GetOrInsert(key, seed)),
        5 => (key(), seed.clone(), seed).prop_map(|(key, old, new)| CompareExchange(key, old, new)),
        5 => (key(), any::<u8>()).prop_map(|(key, count)| Extend(key, count)),
        1 => (1..5_u8).prop_map(Retain),
        1 => Just(Clear),
        2 => Just(Look),
    ]
}

fn play_on_dict<K: Key, V: Sample>(
    dict: &Dict<K, V>,
    map: &mut HashMap<K, V>,
    operation: OnDict,
) -> offspring::Result<()> {
    let (key, value) = (|key: u8| K::make(key.into()), |seed: u16| V::make(seed.into()));
    match operation {
        OnDict::Insert(at, seed) => {
            assert_eq!(dict.insert(key(at), value(seed))?, map.insert(key(at), value(seed)));
        }
        OnDict::Get(at) => {
            assert_eq!(dict.get(&key(at)).as_ref(), map.get(&key(at)));
            assert_eq!(dict.contains_key(&key(at)), map.contains_key(&key(at)));
        }
        OnDict::Remove(at) => assert_eq!(dict.remove(&key(at))?, map.remove(&key(at))),
        OnDict::RemoveEntry(at) => {
            assert_eq!(dict.remove_entry(&key(at))?, map.remove_entry(&key(at)));
        }
        OnDict::Update(at, seed) => {
            let change = |it: &mut V| std::mem::replace(it, value(seed));
            assert_eq!(dict.update(&key(at), change)?, map.get_mut(&key(at)).map(change));
        }
        OnDict::UpdateOrInsert(at, seed) => {
            let change = |it: &mut V| std::mem::replace(it, value(seed));
            let expected = change(map.entry(key(at)).or_insert_with(|| value(seed / 2)));
            assert_eq!(dict.update_or_insert(key(at), value(seed / 2), change)?, expected);
        }
        OnDict::GetOrInsert(at, seed) => {
            let expected = map.entry(key(at)).or_insert_with(|| value(seed)).clone();
            assert_eq!(dict.get_or_insert_with(key(at), || value(seed))?, expected);
        }
        OnDict::CompareExchange(at, old, new) => {
            let expected = map.get_mut(&key(at)).map(|found| {
                let before = found.clone();
                let is_it = before == value(old);
                *found = if is_it { value(new) } else { before.clone() };
                if is_it { Ok(before) } else { Err(before) }
            });
            assert_eq!(dict.compare_exchange(&key(at), &value(old), value(new))?, expected);
        }
        OnDict::Extend(from, count) => {
            let more = || (0..count / 4).map(|it| (key(from ^ it), value(it.into())));
            dict.extend(more())?;
            map.extend(more());
        }
        OnDict::Retain(step) => {
            let kept: Vec<K> = (0..=255).step_by(step.into()).map(key).collect();
            dict.retain(|key, _| kept.contains(key))?;
            map.retain(|key, _| kept.contains(key));
        }
        OnDict::Clear => {
            dict.clear()?;
            map.clear();
        }
        OnDict::Look => {
            assert_eq!((dict.len(), dict.is_empty()), (map.len(), map.is_empty()));
            assert_eq!(dict.to_map()?, *map);
            usage(dict)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum OnList {
    Push(u16),
    Pop,
    Get(u8),
    Set(u8, u16),
    Insert(u8, u16),
    Remove(u8),
    Update(u8, u16),
    CompareExchange(u8, u16, u16),
    Extend(u8),
    Truncate(u8),
    Rotate(u8),
    Retain(u8),
    Clear,
    Look,
}

fn on_list() -> impl Strategy<Value = OnList> {
    use OnList::*;
    let (at, seed) = (|| 0..60_u8, 0..50_u16);
    prop_oneof![
        20 => seed.clone().prop_map(Push),
        15 => Just(Pop),
        10 => at().prop_map(Get),
        10 => (at(), seed.clone()).prop_map(|(at, seed)| Set(at, seed)),
        8 => (at(), seed.clone()).prop_map(|(at, seed)| Insert(at, seed)),
        8 => at().prop_map(Remove),
        10 => (at(), seed.clone()).prop_map(|(at, seed)| Update(at, seed)),
        5 => (at(), seed.clone(), seed).prop_map(|(at, old, new)| CompareExchange(at, old, new)),
        5 => (0..30_u8).prop_map(Extend),
        3 => at().prop_map(Truncate),
        3 => at().prop_map(Rotate),
        2 => (1..4_u8).prop_map(Retain),
        1 => Just(Clear),
        2 => Just(Look),
    ]
}

fn play_on_list<T: Sample>(
    list: &List<T>,
    vector: &mut Vec<T>,
    operation: OnList,
) -> offspring::Result<()> {
    let item = |seed: u16| T::make(seed.into());
    match operation {
        OnList::Push(seed) => {
            list.push(item(seed))?;
            vector.push(item(seed));
        }
        OnList::Pop => assert_eq!(list.pop()?, vector.pop()),
        OnList::Get(at) => assert_eq!(list.get(at.into()).as_ref(), vector.get(usize::from(at))),
        OnList::Set(at, seed) => {
            let found = vector.get_mut(usize::from(at));
            let expected = found.map(|it| std::mem::replace(it, item(seed)));
            assert_eq!(list.set(at.into(), item(seed))?, expected);
        }
        OnList::Insert(at, seed) => {
            list.insert(at.into(), item(seed))?;
            vector.insert(vector.len().min(at.into()), item(seed));
        }
        OnList::Remove(at) => {
            let at = usize::from(at);
            let expected = (at < vector.len()).then(|| vector.remove(at));
            assert_eq!(list.remove(at)?, expected);
        }
        OnList::Update(at, seed) => {
            let change = |it: &mut T| std::mem::replace(it, item(seed));
            let expected = vector.get_mut(usize::from(at)).map(change);
            assert_eq!(list.update(at.into(), change)?, expected);
        }
        OnList::CompareExchange(at, old, new) => {
            let expected = vector.get_mut(usize::from(at)).map(|found| {
                let before = found.clone();
                let is_it = before == item(old);
                *found = if is_it { item(new) } else { before.clone() };
                if is_it { Ok(before) } else { Err(before) }
            });
            assert_eq!(list.compare_exchange(at.into(), &item(old), item(new))?, expected);
        }
        OnList::Extend(count) => {
            list.extend((0..count).map(|it| item(it.into())))?;
            vector.extend((0..count).map(|it| item(it.into())));
        }
        OnList::Truncate(len) => {
            list.truncate(len.into())?;
            vector.truncate(len.into());
        }
        OnList::Rotate(by) => {
            let turn = |items: &mut Vec<T>| {
                let by = usize::from(by) % items.len().max(1);
                items.rotate_left(by);
            };
            list.update_all(turn)?;
            turn(vector);
        }
        OnList::Retain(step) => {
            let kept: Vec<T> = (0..50).step_by(step.into()).map(item).collect();
            list.retain(|it| kept.contains(it))?;
            vector.retain(|it| kept.contains(it));
        }
        OnList::Clear => {
            list.clear()?;
            vector.clear();
        }
        OnList::Look => {
            assert_eq!((list.len(), list.to_vec()?), (vector.len(), vector.clone()));
            assert_eq!((list.last().as_ref(), list.iter().count()), (vector.last(), vector.len()));
            usage(list)?;
        }
    }
    Ok(())
}

/// Has each case played; what fails is made smaller.
#[track_caller]
fn play_all<O: std::fmt::Debug + Clone>(
    operation: impl Strategy<Value = O>,
    play: impl Fn(Vec<O>) -> offspring::Result<()>,
) {
    let config = Config {
        cases: if cfg!(debug_assertions) { 40 } else { 400 },
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let all = prop::collection::vec(operation, 1..300);
    let outcome = TestRunner::new(config).run(&all, |operations| {
        play(operations).map_err(|error| TestCaseError::fail(error.to_string()))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

fn dict_is_a_map<K: Key, V: Sample>() {
    play_all(on_dict(), |operations| {
        let (dict, mut map) = (Dict::<K, V>::new()?, HashMap::new());
        for operation in operations {
            play_on_dict(&dict, &mut map, operation)?;
        }
        play_on_dict(&dict, &mut map, OnDict::Look)?;
        dict.clear()?;
        assert_eq!(usage(&dict)?.blocks, 1);
        Ok(())
    });
}

fn list_is_a_vector<T: Sample>() {
    play_all(on_list(), |operations| {
        let (list, mut vector) = (List::<T>::new()?, Vec::new());
        for operation in operations {
            play_on_list(&list, &mut vector, operation)?;
        }
        play_on_list(&list, &mut vector, OnList::Look)?;
        list.clear()?;
        assert_eq!(usage(&list)?.blocks, 1);
        Ok(())
    });
}

#[test]
fn dicts_in_place() {
    dict_is_a_map::<u64, u64>();
    dict_is_a_map::<u8, [u64; 8]>();
    dict_is_a_map::<u128, Point>();
    dict_is_a_map::<u64, ()>();
}

#[test]
fn dicts_in_blocks() {
    dict_is_a_map::<String, String>();
    dict_is_a_map::<u64, Letter>();
    dict_is_a_map::<u8, Wide>();
}

#[test]
fn lists_in_place() {
    list_is_a_vector::<u64>();
    list_is_a_vector::<[u8; 3]>();
    list_is_a_vector::<Wide>();
    list_is_a_vector::<()>();
}

#[test]
fn lists_in_blocks() {
    list_is_a_vector::<String>();
    list_is_a_vector::<Letter>();
}

/// What is done with a list or dict inside of another dict, of which handles are kept and dropped.
#[derive(Clone, Copy, Debug)]
enum Inside {
    Put(u8),
    PutNewIn(u8),
    Remove(u8),
    Keep(u8),
    Drop,
    PutBack(u8),
    Clear,
    OnList(u8, OnList),
    OnDict(u8, OnDict),
}

fn inside() -> impl Strategy<Value = Inside> {
    use Inside::*;
    let at = || 0..6_u8;
    prop_oneof![
        4 => at().prop_map(Put),
        4 => at().prop_map(PutNewIn),
        3 => at().prop_map(Remove),
        3 => at().prop_map(Keep),
        2 => Just(Drop),
        2 => at().prop_map(PutBack),
        1 => Just(Clear),
        12 => (at(), on_list()).prop_map(|(at, it)| OnList(at, it)),
        12 => (at(), on_dict()).prop_map(|(at, it)| OnDict(at, it)),
    ]
}

type Pair<T, V> = (List<T>, Dict<String, V>);
type Expected<T, V> = std::rc::Rc<std::cell::RefCell<(Vec<T>, HashMap<String, V>)>>;

fn nested_is_shared<T: Sample, V: Sample>() {
    play_all(inside(), |operations| {
        let outer: Dict<u8, Pair<T, V>> = Dict::new()?;
        let mut model: HashMap<u8, Expected<T, V>> = HashMap::new();
        let mut kept: Vec<(Pair<T, V>, Expected<T, V>)> = Vec::new();
        for operation in operations {
            match operation {
                Inside::Put(at) => {
                    outer.insert(at, (List::from([T::make(1)])?, Dict::new()?))?;
                    model.insert(at, Expected::default());
                    model[&at].borrow_mut().0.push(T::make(1));
                }
                Inside::PutNewIn(at) => {
                    let (list, dict) = (List::new_in(&outer)?, Dict::new_in(&outer)?);
                    outer.insert(at, (list.clone(), dict.clone()))?;
                    model.insert(at, Expected::default());
                    kept.push(((list, dict), model[&at].clone()));
                }
                Inside::Remove(at) => {
                    assert_eq!(outer.remove(&at)?.is_some(), model.remove(&at).is_some());
                }
                Inside::Keep(at) => kept.extend(outer.get(&at).zip(model.get(&at).cloned())),
                Inside::Drop => _ = kept.pop(),
                Inside::PutBack(at) => {
                    if let Some((pair, expected)) = kept.last() {
                        outer.insert(at, pair.clone())?;
                        model.insert(at, expected.clone());
                    }
                }
                Inside::Clear => {
                    outer.clear()?;
                    model.clear();
                }
                Inside::OnList(at, operation) => {
                    if let Some((list, _)) = outer.get(&at) {
                        play_on_list(&list, &mut model[&at].borrow_mut().0, operation)?;
                    }
                }
                Inside::OnDict(at, operation) => {
                    if let Some((_, dict)) = outer.get(&at) {
                        play_on_dict(&dict, &mut model[&at].borrow_mut().1, operation)?;
                    }
                }
            }
        }
        for ((list, dict), expected) in kept
            .into_iter()
            .chain(model.iter().map(|(at, expected)| (outer.get(at).unwrap(), expected.clone())))
        {
            assert_eq!(list.to_vec()?, expected.borrow().0);
            assert_eq!(dict.to_map()?, expected.borrow().1);
        }
        usage(&outer)?;
        outer.clear()?;
        assert_eq!((usage(&outer)?.blocks, usage(&outer)?.orphans), (1, 0));
        Ok(())
    });
}

#[test]
fn collections_inside_of_collections() {
    nested_is_shared::<u64, u64>();
    nested_is_shared::<String, String>();
}
