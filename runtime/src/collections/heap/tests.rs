//! The heap by itself: blocks tile it without gaps, whatever is taken and given back, and it comes back to what it was.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::Ref;
use super::arena::Arena;
use super::audit::audit;
use super::block::{HEADER, UNIT};
use crate::collections::fault::Fault;

/// A row of words in the arena that name blocks.
fn names(arena: &Arena, count: usize) -> &[AtomicU64] {
    let word = &arena.control().ledger.spare;
    let place = arena.allocate_zeroed(count * 8, word).unwrap();
    word.store(0, Relaxed);
    arena.payload(place, count * 8).unwrap()
}

/// xorshift: the same sequence each time.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

#[test]
fn test_heap() {
    let arena = Arena::new(64).unwrap();
    let names = names(&arena, 50);
    let before = audit(&arena).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..5000 {
        let name = &names[random(&mut state) % names.len()];
        if name.load(Relaxed) == 0 {
            let len = random(&mut state) % (1 << (random(&mut state) % 18));
            let place = arena.allocate(len, &[], name).unwrap();
            for word in arena.payload(place, len).unwrap() {
                word.store(place.word(), Relaxed);
            }
        } else {
            let place = Ref::from_word(name.load(Relaxed)).unwrap();
            let (len, _) = arena.block(place).unwrap().lens();
            let words = arena.payload(place, len).unwrap();
            assert!(words.iter().all(|word| word.load(Relaxed) == place.word()), "overlap");
            arena.free(name).unwrap();
        }
        audit(&arena).unwrap();
    }
    for name in names {
        arena.free(name).unwrap();
    }
    let after = audit(&arena).unwrap();
    assert_eq!(after.used, before.used);
    assert_eq!(after.blocks, before.blocks);
}

#[test]
fn large_memory_goes_back() {
    let arena = Arena::new(64).unwrap();
    let name = &names(&arena, 1)[0];
    let before = arena.reserved();
    arena.allocate(40 << 20, &[], name).unwrap();
    assert!(arena.reserved() >= before + (40 << 20));
    arena.free(name).unwrap();
    assert!(arena.reserved() < before + (256 << 10), "{} of {before}", arena.reserved());
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let arena = Arena::new(64).unwrap();
    let name = &names(&arena, 1)[0];
    let before = audit(&arena).unwrap();
    assert_eq!(arena.allocate(usize::MAX - 64, &[], name), Err(Fault::Full));
    assert_eq!(arena.allocate(9 << 30, &[], name), Err(Fault::Full));
    assert_eq!((audit(&arena).unwrap(), name.load(Relaxed)), (before, 0));
}

#[test]
fn blocks_are_aligned_to_units() {
    let arena = Arena::new(64).unwrap();
    for (index, name) in names(&arena, 8).iter().enumerate() {
        let place = arena.allocate(index * 20, &[], name).unwrap();
        let at = arena.at(place, UNIT).unwrap().addr().get();
        assert_eq!(at % UNIT, 0);
        assert!(arena.payload(place, index * 20).unwrap().as_ptr().addr() == at + HEADER);
    }
}
