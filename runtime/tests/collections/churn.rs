//! What comes and goes for a long time leaves the memory as it was.
//!
//! A million times where that is quick, in a release build; fewer otherwise, unless `OFFSPRING_SOAK` is set.

use offspring::__private::audit::{Usage, usage};
use offspring::{Collection, Dict, List, Value};

use crate::samples::{Point, Sample};

fn cycles() -> u64 {
    let all = !cfg!(debug_assertions) || std::env::var_os("OFFSPRING_SOAK").is_some();
    if all { 1_000_000 } else { 15_000 }
}

/// Has `step` done for a while, and then for a million times, and compares the memory.
fn assert_flat<C: Collection>(
    collection: &C,
    mut step: impl FnMut(u64) -> offspring::Result<()>,
) -> offspring::Result<()> {
    const BEGIN: u64 = 3000;
    (0..BEGIN).try_for_each(&mut step)?;
    let before = usage(collection)?;
    (BEGIN..cycles()).try_for_each(&mut step)?;
    let after = usage(collection)?;
    let Usage { blocks, reserved, orphans, .. } = after;
    assert!(blocks <= before.blocks && orphans == 0, "{before:?}, then {after:?}");
    assert!(reserved <= before.reserved, "{before:?}, then {after:?}");
    Ok(())
}

fn insert_and_remove<V: Sample>() -> offspring::Result<()> {
    let dict = Dict::from_iter((0..100_u64).map(|key| (key, V::make(key))))?;
    let full = usage(&dict)?;
    assert_flat(&dict, |round| {
        let key = 1000 + round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10_000;
        assert!(dict.insert(key, V::make(round))?.is_none());
        assert!(dict.remove(&key)?.is_some());
        Ok(())
    })?;
    assert_eq!(dict.len(), 100);
    // Each part's table has been made anew, at most once as large.
    assert!(usage(&dict)?.bytes <= 2 * full.bytes);
    Ok(())
}

#[test]
fn entries_come_and_go() -> offspring::Result<()> {
    insert_and_remove::<u64>()?;
    insert_and_remove::<Point>()?;
    insert_and_remove::<String>()
}

#[test]
fn values_become_longer_and_shorter() -> offspring::Result<()> {
    let text = |round: u64| "x".repeat((round.wrapping_mul(0x9e37_79b9) % 700) as usize);
    let dict = Dict::from_iter((0..50_u64).map(|key| (key, "x".repeat(700))))?;
    assert_flat(&dict, |round| dict.insert(round % 50, text(round)).map(drop))?;
    let value = Value::new("x".repeat(700))?;
    assert_flat(&value, |round| value.set(text(round)))
}

#[test]
fn items_come_and_go() -> offspring::Result<()> {
    let list = List::<String>::new()?;
    assert_flat(&list, |round| {
        // Up to 500 of them, and down again.
        if round / 500 % 2 == 0 { list.push(String::make(round)) } else { list.pop().map(drop) }
    })?;
    let list = List::<u64>::new()?;
    assert_flat(
        &list,
        |round| {
            if round / 500 % 2 == 0 { list.push(round) } else { list.pop().map(drop) }
        },
    )?;
    let list = List::from_iter((0..20).map(String::make))?;
    assert_flat(&list, |round| {
        list.insert(round as usize % 21, String::make(round))?;
        list.remove(round as usize % 20).map(drop)
    })
}

/// A long list is taken apart as quickly as it was made.
#[test]
fn all_items_of_a_long_list_come_and_go() -> offspring::Result<()> {
    let list = List::new()?;
    let empty = usage(&list)?;
    let count = cycles();
    for number in 0..count {
        list.push(number.to_string())?;
    }
    assert_eq!(usage(&list)?.blocks as u64, count + 2);
    for number in (0..count).rev() {
        assert_eq!(list.pop()?, Some(number.to_string()));
    }
    list.clear()?;
    assert_eq!(usage(&list)?.blocks, empty.blocks);
    Ok(())
}

#[test]
fn collections_come_and_go_inside_of_one() -> offspring::Result<()> {
    let dict: Dict<u64, List<String>> = Dict::new()?;
    let count = cycles() / 20;
    let step = |round: u64| {
        let list = List::new_in(&dict)?;
        list.push(String::make(round))?;
        dict.insert(round % 10, list)?;
        if round.is_multiple_of(3) {
            dict.remove(&(round % 7))?;
        }
        Ok::<_, offspring::Error>(())
    };
    (0..count / 5).try_for_each(step)?;
    let before = usage(&dict)?;
    (0..count).try_for_each(step)?;
    let after = usage(&dict)?;
    // At the end there may be a few more than in the middle, and a grain of memory for them.
    let is_flat = after.reserved <= before.reserved + (64 << 10);
    assert!(is_flat && after.orphans == 0, "{before:?}, then {after:?}");
    Ok(())
}
