//! Memory is full: an error, after which everything is as it was and goes on working, and nothing is lost.
//!
//! The kernel is asked by a filter of system calls (seccomp(2)) to have no memory to reserve any more, in a process of its own, which
//! cannot get rid of that again.

#![allow(unsafe_code, reason = "installs a filter of system calls")]

use std::collections::HashMap;

use offspring::__private::audit::usage;
use offspring::{Dict, Error, List, Value, process};

use crate::samples::{Key, Large, Letter, Sample, Wide};

/// From now on nothing can be reserved.
fn fill_memory() {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut steps = [
        step(LOAD_NUMBER, 0, 0, 0),
        step(IF_EQUAL, 0, 1, libc::SYS_fallocate as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSPC as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: no pointers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the program is one of four steps, which ends with each way through it.
    let set =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(set, 0);
}

/// Whether there was memory for it.
#[track_caller]
fn had_room<T: std::fmt::Debug>(result: offspring::Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::System { source, .. }) => {
            assert_eq!(source.raw_os_error(), Some(libc::ENOSPC), "{source}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

fn fill_dict<K: Key, V: Sample>(begun: u64) -> offspring::Result<()> {
    let dict = Dict::<K, V>::new()?;
    let mut map: HashMap<K, V> = (0..begun).map(|seed| (K::make(seed), V::make(seed))).collect();
    dict.extend(map.clone())?;
    let mut refused = 0;
    fill_memory();
    for seed in begun.. {
        let (key, value) = (K::make(seed), V::make(seed));
        if had_room(dict.insert(key.clone(), value.clone())) {
            map.insert(key, value);
        } else {
            refused += 1;
            assert!(!had_room(dict.update_or_insert(key.clone(), value.clone(), |_| ())));
            assert!(!had_room(dict.get_or_insert_with(key, || value)));
        }
        usage(&dict)?;
        if refused == 20 {
            break;
        }
    }
    assert_eq!(dict.to_map()?, map, "none of what was refused is there, and all else is");
    for seed in 0..begun {
        let (key, value) = (K::make(seed), V::make(seed + 1));
        if had_room(dict.update(&key, |it| *it = value.clone())) {
            map.insert(key, value);
        }
    }
    assert_eq!(dict.to_map()?, map);
    // Where something goes there is room again.
    for seed in 0..begun {
        assert_eq!(dict.remove(&K::make(seed))?, map.remove(&K::make(seed)));
    }
    if had_room(dict.insert(K::make(1), V::make(2))) {
        map.insert(K::make(1), V::make(2));
    } else {
        assert!(begun < 5, "only large memory goes back for good");
    }
    assert_eq!(dict.to_map()?, map);
    dict.clear()?;
    assert_eq!(usage(&dict)?.blocks, 1);
    Ok(())
}

fn fill_list<T: Sample>(begun: u64) -> offspring::Result<()> {
    let mut vector: Vec<T> = (0..begun).map(T::make).collect();
    let list = List::from_iter(vector.clone())?;
    fill_memory();
    let mut refused = 0;
    for seed in begun.. {
        let place = seed as usize % (vector.len() + 1);
        if seed % 3 == 0 && had_room(list.insert(place, T::make(seed))) {
            vector.insert(place, T::make(seed));
        } else if had_room(list.push(T::make(seed))) {
            vector.push(T::make(seed));
        } else {
            refused += 1;
        }
        usage(&list)?;
        if refused == 20 {
            break;
        }
    }
    assert_eq!(list.to_vec()?, vector);
    let many = (0..100_000 / size_of::<T>() as u64).map(T::make);
    assert!(!had_room(list.extend(many)));
    assert_eq!(list.to_vec()?, vector);
    if had_room(list.update_all(|items| items.rotate_left(1))) {
        vector.rotate_left(1);
    }
    if had_room(list.set(0, T::make(7))) {
        vector[0] = T::make(7);
    }
    assert_eq!(list.to_vec()?, vector);
    usage(&list)?;
    while let Some(item) = vector.pop() {
        assert_eq!(list.pop()?, Some(item));
    }
    assert!(had_room(list.push(T::make(1))));
    list.clear()?;
    assert!(had_room(list.push(T::make(1))) && had_room(list.insert(0, T::make(2))));
    assert_eq!(list.to_vec()?, [T::make(2), T::make(1)]);
    list.clear()?;
    assert_eq!(usage(&list)?.blocks, 1);
    Ok(())
}

#[process(start = "spawn", timeout = "60s")]
fn full(case: u32) -> offspring::Result<()> {
    match case {
        0 => fill_dict::<u64, u64>(100),
        1 => fill_dict::<u64, [u64; 8]>(100),
        2 => fill_dict::<String, String>(100),
        3 => fill_dict::<u64, Letter>(50),
        4 => fill_dict::<u8, Large>(3),
        5 => fill_list::<u64>(100),
        6 => fill_list::<Wide>(50),
        7 => fill_list::<String>(100),
        8 => fill_list::<Letter>(30),
        _ => nothing_begins(),
    }
}

/// A large value does not replace a small one, nothing can be put into a collection from elsewhere, and none can be made.
fn nothing_begins() -> offspring::Result<()> {
    let value = Value::new("small".to_owned())?;
    let nested = Dict::from([(1_u32, List::from([1_u64])?)])?;
    let apart = List::from_iter(0..100_000_u64)?;
    let (before, within) = (usage(&value)?, usage(&nested)?);
    fill_memory();
    assert!(!had_room(value.set("large".repeat(100_000))));
    assert!(!had_room(value.update(|text| *text = "large".repeat(100_000))));
    assert_eq!((value.get(), usage(&value)?), ("small".to_owned(), before));
    // It is said by serde, in words.
    let error = nested.insert(2, apart).unwrap_err();
    assert!(matches!(error, Error::Encode { .. } | Error::System { .. }), "{error}");
    assert_eq!((nested.len(), nested.get(&1).unwrap().to_vec()?), (1, vec![1]));
    assert_eq!(usage(&nested)?.blocks, within.blocks);
    assert!(!had_room(List::<u64>::new()) && !had_room(Dict::<u64, u64>::new()));
    Ok(())
}

#[test]
fn full_memory_is_an_error_that_changes_nothing() {
    for case in 0..10 {
        let ended = full::spawn(case).unwrap().join();
        ended.unwrap_or_else(|error| panic!("case {case}: {error}")).unwrap();
    }
}
